//! Registrations while other threads use the ring, and what is let go of on other threads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ringbahn_core::Drive;
use ringbahn_core::event::{EventExt as _, Nop};

use crate::local::in_time;
use crate::scene::{end, run};
use crate::{known, local_here, shared};

#[test]
fn a_ring_is_tuned_while_threads_submit_to_it() {
    let test = "a_ring_is_tuned_while_threads_submit_to_it";
    let (Some(driver), Some(other)) = (shared(test), shared(test)) else { return };
    let Some(buffers) = known(test, other.register_buffers(4, 64)) else { return };
    let registered = driver.registrar().register_personality();
    let Some(personality) = known(test, registered) else { return };
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let (driver, personality) = (driver.clone(), &personality);
            scope.spawn(|| {
                let driver = driver;
                for _ in 0..300 {
                    run(driver.clone().submit(Nop.as_personality(personality))).unwrap();
                }
                done.store(true, Ordering::SeqCst);
            });
        }
        while !done.load(Ordering::SeqCst) {
            let registrar = driver.registrar();
            drop(registrar.register_personality().unwrap());
            let limits = registrar.worker_limits();
            if let Some(limits) = known(test, limits) {
                registrar.limit_workers(limits).unwrap();
            }
            known(test, registrar.clone_buffers(&buffers).map(drop));
        }
    });
    drop(personality);
    end(&driver);
}

#[test]
fn what_is_let_go_of_elsewhere_is_let_go_of_by_the_rings_own_thread() {
    let test = "what_is_let_go_of_elsewhere_is_let_go_of_by_the_rings_own_thread";
    in_time(move || {
        let Some(driver) = local_here(test) else { return };
        // Rings of two threads cannot be cloned from: the other one is shared.
        let Some(other) = shared(test) else { return };
        let Some(buffers) = known(test, other.register_buffers(512, 1)) else { return };
        // More than there is room for, unless each makes room for the next.
        for _ in 0..100 {
            let clone = driver.registrar().clone_buffers(&buffers);
            let Some(clone) = known(test, clone) else { return };
            let personality = driver.registrar().register_personality().unwrap();
            thread::spawn(move || drop((clone, personality))).join().unwrap();
            driver.block_on(driver.clone().submit(Nop)).unwrap();
        }
        crate::local::end(&driver);
    });
}
