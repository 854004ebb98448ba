//! Timers, each awaited by a task of its own.

use super::Runtime;
use crate::laboratory::case::Timers;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

pub(crate) fn timers<R: Runtime>(case: &Timers, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    while meter.goes_on() {
        runtime.all((0..case.armed).map(|number| async move {
            R::sleep(Timers::duration(number)).await;
            Ok(())
        }))?;
        meter.did(case.armed.into());
    }
    Ok(())
}
