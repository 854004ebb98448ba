//! Futures whose destructors never run: the driver still ends, and nothing is freed early.

use std::cell::RefCell;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Drive, SharedFd, Submission};
use ringbahn_drivers::{Report, SharedDriver};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use scene::{pipe, run, start};
use watched::Watched;

struct Scene {
    driver: SharedDriver,
    reader: SharedFd,
    ends: Arc<AtomicUsize>,
}

impl Scene {
    fn read(&self) -> Submission<Read<Watched>, SharedDriver> {
        let event = Read::new(self.reader.clone(), Watched::new(&self.ends), Position::Current);
        self.driver.clone().submit(event)
    }

    /// The shutdown ends all that are in flight; what a forgotten future holds goes with it.
    fn ends(self, operations: u64) {
        let report = run(self.driver.shutdown(Duration::from_secs(10)));
        assert_eq!(report, Report { completed: 0, cancelled: operations, leaked: 0 });
        canary::inspect();
    }
}

fn scene(test: &str) -> Option<(Scene, std::io::PipeWriter)> {
    let driver = skip::driver(test, 1, 2)?;
    let (reader, writer) = pipe();
    Some((Scene { driver, reader, ends: Arc::default() }, writer))
}

#[test]
fn a_forgotten_read_does_not_keep_the_driver_from_ending() {
    let test = "a_forgotten_read_does_not_keep_the_driver_from_ending";
    let Some((scene, _writer)) = scene(test) else { return };
    for _ in 0..10 {
        let mut read = scene.read();
        start(&mut read);
        std::mem::forget(read);
    }
    assert_eq!(scene.ends.load(Ordering::SeqCst), 0);
    scene.ends(10);
}

#[test]
fn a_forgotten_read_is_written_to_in_memory_that_is_still_its_own() {
    let test = "a_forgotten_read_is_written_to_in_memory_that_is_still_its_own";
    let Some((scene, mut writer)) = scene(test) else { return };
    let mut read = Box::pin(scene.read());
    start(&mut read);
    std::mem::forget(read);
    writer.write_all(&[0x5A; 4096]).unwrap();
    scene::until_idle(&scene.driver);
    // Its result waits for a future that never comes.
    assert_eq!(scene.ends.load(Ordering::SeqCst), 0);
    scene.ends(0);
}

#[test]
fn a_future_in_a_cycle_of_references_does_not_keep_the_driver_from_ending() {
    let test = "a_future_in_a_cycle_of_references_does_not_keep_the_driver_from_ending";
    let Some((scene, _writer)) = scene(test) else { return };
    type Node = RefCell<Option<(Rc<dyn std::any::Any>, Submission<Read<Watched>, SharedDriver>)>>;
    let node: Rc<Node> = Rc::default();
    let mut read = scene.read();
    start(&mut read);
    *node.borrow_mut() = Some((node.clone(), read));
    drop(node);
    scene.ends(1);
}

#[test]
fn the_tasks_of_a_leaked_executor_do_not_keep_the_driver_from_ending() {
    let test = "the_tasks_of_a_leaked_executor_do_not_keep_the_driver_from_ending";
    let Some((scene, _writer)) = scene(test) else { return };
    let mut pool = LocalPool::new();
    for _ in 0..3 {
        let read = scene.read();
        pool.spawner().spawn_local(async move { drop(read.await) }).unwrap();
    }
    pool.run_until_stalled();
    std::mem::forget(pool);
    scene.ends(3);
}

#[test]
fn a_forgotten_shutdown_goes_on() {
    let test = "a_forgotten_shutdown_goes_on";
    let Some((scene, _writer)) = scene(test) else { return };
    let mut read = scene.read();
    start(&mut read);
    let mut shutdown = scene.driver.shutdown(Duration::from_secs(10));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = Pin::new(&mut shutdown).poll(&mut cx);
    std::mem::forget(shutdown);
    assert!(run(read).0.is_err());
    scene.ends(1);
}
