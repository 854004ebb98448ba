//! Soft and hard links, alone and mixed: which steps run behind one that has failed.

use std::fs::File;

use ringbahn_core::event::{EventExt, Nop, Position, Read, Step, Stepped, Write};
use ringbahn_core::{Event, SharedFd};

use crate::scene::shared;
use crate::subject::{Runs, on_all};

/// What became of a step: it succeeded, failed, or did not run.
fn fate<T>(step: &Step<T>) -> char {
    match step {
        Step::Succeeded(_) => 's',
        Step::Failed(_) => 'f',
        Step::NotRun(_) => 'n',
    }
}

/// The events of which the chains are made.
struct Props {
    file: SharedFd,
    read_only: SharedFd,
}

impl Props {
    fn new() -> Props {
        let file = shared(tempfile::tempfile().unwrap());
        Props { file, read_only: shared(File::open("/dev/null").unwrap()) }
    }

    fn works(&self) -> Stepped<Write<&'static str>> {
        Write::new(self.file.clone(), "eight by", Position::At(0)).stepped()
    }

    fn fails(&self) -> Stepped<Write<&'static str>> {
        Write::new(self.read_only.clone(), "eight by", Position::At(0)).stepped()
    }

    /// Succeeds, and has not all that it asked for.
    fn falls_short(&self) -> Stepped<Read<Vec<u8>>> {
        Read::new(self.file.clone(), vec![0; 99], Position::At(0)).stepped()
    }
}

fn pairs<D: Runs>(driver: &D) {
    fn fates<D: Runs, A, B, E>(driver: &D, event: E) -> String
    where
        E: Event<Output = (Step<A>, Step<B>)>,
    {
        let (first, second) = driver.run(driver.clone().submit(event));
        [fate(&first), fate(&second)].into_iter().collect()
    }
    let it = Props::new();
    assert_eq!(fates(driver, it.works().link(it.works())), "ss");
    assert_eq!(fates(driver, it.works().then(it.works())), "ss");
    assert_eq!(fates(driver, it.fails().link(it.works())), "fn");
    assert_eq!(fates(driver, it.fails().then(it.works())), "fs");
    assert_eq!(fates(driver, it.falls_short().link(it.works())), "sn");
    assert_eq!(fates(driver, it.falls_short().then(it.works())), "ss");
    assert_eq!(fates(driver, it.works().then(it.fails())), "sf");
}

#[test]
fn what_stands_behind_a_hard_link_runs_however_the_step_before_it_ended() {
    on_all!("what_stands_behind_a_hard_link_runs", 2, pairs);
}

fn triples<D: Runs>(driver: &D) {
    fn fates<D: Runs, A, B, C, E>(driver: &D, event: E) -> String
    where
        E: Event<Output = ((Step<A>, Step<B>), Step<C>)>,
    {
        let ((first, second), third) = driver.run(driver.clone().submit(event));
        [fate(&first), fate(&second), fate(&third)].into_iter().collect()
    }
    let it = Props::new();
    assert_eq!(fates(driver, it.fails().link(it.works()).then(it.works())), "fnn");
    assert_eq!(fates(driver, it.falls_short().link(it.works()).then(it.works())), "snn");
    assert_eq!(fates(driver, it.fails().then(it.works()).link(it.works())), "fss");
    assert_eq!(fates(driver, it.works().link(it.fails()).then(it.works())), "sfs");
    assert_eq!(fates(driver, it.works().then(it.fails()).link(it.works())), "sfn");
    assert_eq!(fates(driver, it.fails().then(it.fails()).then(it.fails())), "fff");
}

#[test]
fn behind_a_link_that_broke_nothing_runs_and_before_it_everything() {
    on_all!("behind_a_link_that_broke_nothing_runs", 4, triples);
}

fn four<D: Runs>(driver: &D) {
    let it = Props::new();
    let (first, second) = (it.works(), it.falls_short());
    let chain = first.link(second).then(it.works()).link(Nop.stepped());
    let (((wrote, read), again), nop) = driver.run(driver.clone().submit(chain));
    let (count, text) = wrote.into_output();
    assert_eq!((count.unwrap(), text), (8, "eight by"));
    let (count, buffer) = read.into_output();
    assert_eq!((count.unwrap(), &buffer[..8]), (8, &b"eight by"[..]));
    assert_eq!(again.into_output().0.unwrap(), 8);
    assert!(nop.has_run());
    nop.into_output().unwrap();
}

#[test]
fn a_chain_of_four_gives_each_step_its_own_output() {
    on_all!("a_chain_of_four_gives_each_step_its_own_output", 4, four);
}
