//! Operations that do nothing, by as many tasks as are to be submitted together.

use glommio::nop::NopSubmitter;

use super::super::library::Library as _;
use super::Glommio;
use crate::laboratory::case::Nop;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn nop(case: &Nop, meter: &mut Meter) -> Result<(), Failure> {
    Glommio::run(async |library| {
        while meter.goes_on() {
            let each = case.lap() / u64::from(case.depth);
            let tasks: Vec<_> = (0..case.depth).map(|_| library.spawn(lap(each))).collect();
            for task in tasks {
                task.await?;
            }
            meter.did(case.lap());
        }
        Ok(())
    })
}

async fn lap(operations: u64) -> Result<(), Failure> {
    let submitter = NopSubmitter::new();
    for _ in 0..operations {
        submitter.run_nop().await?;
    }
    Ok(())
}
