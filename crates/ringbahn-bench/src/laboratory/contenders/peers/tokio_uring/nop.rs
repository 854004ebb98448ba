//! Operations that do nothing, by as many tasks as are to be submitted together.

use super::super::library::Library;
use crate::laboratory::case::Nop;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(super) fn nop<U: Library>(case: &Nop, meter: &mut Meter) -> Result<(), Failure> {
    U::run(async |library: U| {
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
    for _ in 0..operations {
        tokio_uring::no_op().await?;
    }
    Ok(())
}
