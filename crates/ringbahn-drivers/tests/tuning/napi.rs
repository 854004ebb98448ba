//! Polling of network cards. There is none to be polled here, so what is set is what is looked at.

use std::io;
use std::time::Duration;

use ringbahn_drivers::{Napi, NapiTracking};

use crate::{lacking_in, shared, skip};

const FIRST: Napi = Napi {
    busy_poll: Duration::from_micros(50),
    prefer_busy_poll: true,
    tracking: NapiTracking::Dynamic,
};

/// Skips where the kernel is too old, or was built without.
fn set(test: &str, driver: &ringbahn_drivers::SharedDriver, napi: Napi) -> Option<Option<Napi>> {
    match driver.registrar().set_napi(napi) {
        Ok(before) => Some(before),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{error:?}");
            let lacking = lacking_in(&error).map(ToString::to_string);
            let reason = lacking.unwrap_or_else(|| "one with CONFIG_NET_RX_BUSY_POLL".to_owned());
            skip::skip(test, &format!("the kernel is older than {reason}"));
            None
        }
    }
}

#[test]
fn what_was_set_before_is_told_each_time() {
    let test = "what_was_set_before_is_told_each_time";
    let Some(driver) = shared(test) else { return };
    let Some(before) = set(test, &driver, FIRST) else { return };
    assert_eq!(before, None);
    let second = Napi { busy_poll: Duration::from_micros(7), prefer_busy_poll: false, ..FIRST };
    assert_eq!(set(test, &driver, second), Some(Some(FIRST)));
    let registrar = driver.registrar();
    assert_eq!(registrar.clear_napi().unwrap(), Some(second));
    assert_eq!(registrar.clear_napi().unwrap(), None);
}

#[test]
fn queues_are_named_where_the_kernel_is_told_each() {
    let test = "queues_are_named_where_the_kernel_is_told_each";
    let Some(driver) = shared(test) else { return };
    let told = Napi { tracking: NapiTracking::Static, ..FIRST };
    let Some(before) = set(test, &driver, told) else { return };
    assert_eq!(before, None);
    let registrar = driver.registrar();
    // Numbers as low as this one are those of processors.
    for answer in [registrar.add_napi_queue(0), registrar.remove_napi_queue(0)] {
        assert_eq!(answer.unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(registrar.clear_napi().unwrap(), Some(told));
}
