//! [`Kernel`]: the kernel of a toy ring, for tests that do not care for its order.

use super::Toy;

/// A kernel that knows what it has been given.
#[derive(Debug, Default)]
pub(crate) struct Kernel {
    /// The `user_data` of what runs.
    pub(crate) running: Vec<u64>,
    /// How many cancels it was asked for.
    pub(crate) cancels: u32,
}

impl Kernel {
    /// Consumes what is in the queue, and executes cancels.
    pub(crate) fn consume(&mut self, toy: &Toy) {
        while let Some(taken) = toy.take() {
            if !taken.is_cancel() {
                self.running.push(taken.user_data);
                continue;
            }
            self.cancels += 1;
            match self.running.iter().position(|running| *running == taken.address) {
                Some(at) => {
                    let target = self.running.remove(at);
                    toy.post(target, -libc::ECANCELED, 0);
                    toy.post(taken.user_data, 0, 0);
                }
                None => drop(toy.post(taken.user_data, -libc::ENOENT, 0)),
            }
        }
    }

    /// Runs everything to its end: what is not cancelled succeeds with `result`.
    pub(crate) fn settle(&mut self, toy: &Toy, result: i32) {
        for _ in 0..100 {
            self.consume(toy);
            let Some(user_data) = self.running.pop() else {
                if toy.is_idle() {
                    return;
                }
                continue;
            };
            toy.post(user_data, result, 0);
        }
        panic!("the ring does not come to rest");
    }
}
