//! Each register operation, on the fallback, and on a kernel that is said not to have it.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use ringbahn_core::{Local, Selection, Sharing};
use ringbahn_drivers::tuning::{KNOBS, Kind, OnFallback};
use ringbahn_drivers::{
    LocalDriver, Napi, NapiTracking, Notify, Policy, Reason, Registrar, Restrictions, Setup,
    WaitClock, WorkerLimits, registration,
};
use rustix::event::{EventfdFlags, eventfd};

use crate::{known, lacking_in, local_with, on_fallback, shared, skip};

const NAPI: Napi = Napi {
    busy_poll: Duration::from_micros(1),
    prefer_busy_poll: false,
    tracking: NapiTracking::Dynamic,
};

fn new_eventfd() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC).unwrap()
}

/// Asks for the register operation of this number, if a registrar can be asked for it without
/// anything that would have to be registered first. `None` where it cannot.
fn ask<S: Sharing>(registrar: &Registrar<'_, S>, number: u8) -> Option<io::Result<()>> {
    Some(match number {
        registration::EVENTFD => registrar.notify(new_eventfd(), Notify::All).map(drop),
        registration::EVENTFD_ASYNC => registrar.notify(new_eventfd(), Notify::Late).map(drop),
        registration::PERSONALITY => registrar.register_personality().map(drop),
        registration::IOWQ_AFF => registrar.bind_workers(&[0]),
        registration::UNREGISTER_IOWQ_AFF => registrar.unbind_workers(),
        registration::IOWQ_MAX_WORKERS => {
            let limits = WorkerLimits { bounded: 64, unbounded: 64 };
            registrar.worker_limits().and_then(|_| registrar.limit_workers(limits)).map(drop)
        }
        registration::SYNC_CANCEL => {
            registrar.cancel_now(&Selection::all(), Duration::ZERO).map(drop)
        }
        registration::FILE_ALLOC_RANGE => registrar.choose_slots(0..1),
        registration::NAPI => registrar.set_napi(NAPI).map(drop),
        registration::UNREGISTER_NAPI => registrar.clear_napi().map(drop),
        registration::CLOCK => registrar.set_clock(WaitClock::Boottime),
        registration::RESIZE_RINGS => registrar.resize(8, 16),
        _ => return None,
    })
}

/// These need something of a ring to be asked with.
const WITH_MORE: [u8; 2] = [registration::PBUF_STATUS, registration::CLONE_BUFFERS];

/// The numbers of the operations that a registrar is asked for.
fn of_registrar() -> Vec<u8> {
    let knobs = KNOBS.iter().filter(|knob| knob.kind == Kind::Register);
    let asked = knobs.filter(|knob| knob.by.contains("Registrar::"));
    asked.map(|knob| u8::try_from(knob.number).unwrap()).collect()
}

fn local_without(test: &str, number: u8) -> Option<LocalDriver> {
    local_with(test, |setup: Setup| setup.without_registration(number))
}

#[test]
fn every_operation_that_a_registrar_has_is_asked_for_here() {
    let driver = on_fallback();
    for number in of_registrar() {
        let asked = ask(&driver.registrar(), number).is_some() || WITH_MORE.contains(&number);
        assert!(asked, "{number}");
    }
}

#[test]
fn what_the_kernel_lacks_is_named_and_the_version_that_has_it() {
    let test = "what_the_kernel_lacks_is_named_and_the_version_that_has_it";
    for knob in KNOBS.iter().filter(|knob| knob.by.contains("Registrar::")) {
        let number = knob.number as u8;
        let Some(driver) = local_without(test, number) else { return };
        let answer = match number {
            registration::PBUF_STATUS => {
                let Some(group) = known(test, driver.buffer_group(1, 1)) else { continue };
                driver.registrar().buffers_taken(&group).map(drop)
            }
            registration::CLONE_BUFFERS => {
                let Some(other) = shared(test) else { return };
                let Some(buffers) = known(test, other.register_buffers(1, 1)) else { continue };
                driver.registrar().clone_buffers(&buffers).map(drop)
            }
            number => ask::<Local>(&driver.registrar(), number).unwrap(),
        };
        let error = answer.expect_err("it was said to be lacking");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        let lacking = lacking_in(&error).unwrap_or_else(|| panic!("{knob:?}: {error:?}"));
        assert_eq!(lacking.what(), format!("IORING_{}", knob.listing().name));
        assert_eq!(lacking.since(), knob.listing().since);
    }
}

#[test]
fn the_fallback_says_that_it_has_none_of_them() {
    let driver = on_fallback();
    let local = LocalDriver::builder().entries(4).policy(Policy::Never).build().unwrap();
    for number in of_registrar().into_iter().filter(|number| !WITH_MORE.contains(number)) {
        let knob = KNOBS
            .iter()
            .find(|knob| knob.kind == Kind::Register && knob.number == u32::from(number));
        assert_eq!(knob.unwrap().fallback, OnFallback::Unsupported);
        for answer in [ask(&driver.registrar(), number), ask(&local.registrar(), number)] {
            let error = answer.unwrap().expect_err("nobody could have done it");
            assert_eq!(error.kind(), io::ErrorKind::Unsupported, "{number}: {error:?}");
        }
    }
    // To it buffers are memory and a group is its own, of which the kernel cannot be asked.
    let buffers = driver.register_buffers(1, 1).unwrap();
    let refused = local.registrar().clone_buffers(&buffers).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::Unsupported);
}

#[test]
fn the_kernel_does_what_a_registrar_asks_for() {
    let test = "the_kernel_does_what_a_registrar_asks_for";
    for number in of_registrar() {
        // A ring for each, so that none finds what another has left.
        let Some(driver) = local_with(test, |setup| setup) else { return };
        let table = driver.direct_table(1);
        let Some(answer) = ask::<Local>(&driver.registrar(), number) else { continue };
        match answer {
            Ok(()) => {}
            Err(error) if lacking_in(&error).is_some() => drop(known::<()>(test, Err(error))),
            // A kernel without CONFIG_NET_RX_BUSY_POLL.
            Err(_) if [registration::NAPI, registration::UNREGISTER_NAPI].contains(&number) => {}
            // A process that may not run on the first processor.
            Err(_) if number == registration::IOWQ_AFF => {}
            Err(error) => panic!("{number}: {error:?}"),
        }
        drop(table);
    }
}

/// What drivers and rings are asked for in other ways says the same.
#[test]
fn what_is_not_a_registrars_is_named_just_as_well() {
    let test = "what_is_not_a_registrars_is_named_just_as_well";
    type Asked = fn(&LocalDriver) -> io::Result<()>;
    let ask: [(u8, Asked); 3] = [
        (registration::BUFFERS2, |driver| driver.register_buffers(1, 1).map(drop)),
        (registration::FILES2, |driver| driver.direct_table(1).map(drop)),
        (registration::PBUF_RING, |driver| driver.buffer_group(1, 1).map(drop)),
    ];
    for (number, ask) in ask {
        let Some(driver) = local_without(test, number) else { return };
        let error = ask(&driver).expect_err("it was said to be lacking");
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(lacking_in(&error).is_some(), "{error:?}");
    }
    let restricted = Setup::new(1).restrict(Restrictions::new());
    let waits = Setup::new(1).registered_waits(true);
    for (number, setup, name) in [
        (registration::RESTRICTIONS, restricted, "IORING_REGISTER_RESTRICTIONS (Linux 5.10)"),
        (registration::MEM_REGION, waits, "IORING_REGISTER_MEM_REGION (Linux 6.13)"),
    ] {
        let setup = setup.without_registration(number).policy(Policy::Require);
        let unavailable = setup.build_local().unwrap_err();
        if unavailable.reason() != Reason::Lacking {
            return skip::skip(test, &format!("no io_uring: {unavailable}"));
        }
        assert!(unavailable.to_string().contains(name), "{unavailable}");
        assert_eq!(io::Error::from(unavailable).kind(), io::ErrorKind::Unsupported);
    }
}
