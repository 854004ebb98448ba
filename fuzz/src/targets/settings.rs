//! `settings`: numbers and options for a driver without io_uring.
//!
//! Every driver and both kinds of queues are built with whatever is asked of them, on
//! [`Policy::Never`]: there is one that takes a NOP, or an error where the options contradict each
//! other, and never a panic. Sizes stay small, unless they are so large that they are refused.

use std::io;
use std::time::Duration;

use futures::executor::block_on;
use ringbahn_core::event::Nop;
use ringbahn_core::{Drive, Rule, opcode};
use ringbahn_drivers::{
    CompletionWidth, IopollDriver, LocalDriver, Policy, Restrictions, RingMemory, Setup,
    ShardedDriver, SharedDriver, SqpollDriver,
};

use crate::input::Input;

/// The largest size that is asked for, but for those beyond the kernel's maximum.
const ENTRIES_MAX: u32 = 1 << 10;

/// The kernel's maximum.
const KERNEL_MAX: u32 = 1 << 15;

const NO_READ: Rule = Rule::new(|entry| (entry.opcode() == opcode::READ).then_some("not here"));
const NO_NOP: Rule = Rule::new(|entry| (entry.opcode() == opcode::NOP).then_some("not here"));

/// Builds something.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let kind = input.below(7);
    let options = Options::read(&mut input);
    match kind {
        0 => options.build_queues(),
        1 => options.build_shared(),
        2 => options.build_local(&mut input),
        3 => options.build_sharded(&mut input),
        _ => options.build_in_kernel(kind, &mut input),
    }
}

/// What is asked of a ring.
struct Options {
    entries: u32,
    completion_entries: Option<u32>,
    clamp: bool,
    serve_at_once: bool,
    rule: Option<Rule>,
    refuses_nop: bool,
    restrictions: Option<Restrictions>,
    memory: Option<RingMemory>,
    width: CompletionWidth,
    registered_waits: bool,
    without: Vec<u8>,
}

impl Options {
    fn read(input: &mut Input<'_>) -> Options {
        let (bits, more) = (input.byte(), input.byte());
        let clamp = bits & 1 == 0;
        let refuses_nop = bits & 6 == 2;
        let rule = match bits & 6 {
            0 => None,
            2 => Some(NO_NOP),
            _ => Some(NO_READ),
        };
        let restrictions = (bits & 0x78 == 0x78).then(|| {
            let restrictions = Restrictions::new().allow_operation(input.byte());
            restrictions.allow_registration(input.byte()).allow_flags_only(input.byte())
        });
        Options {
            entries: size(input, clamp),
            completion_entries: (bits & 0x80 != 0).then(|| size(input, clamp)),
            clamp,
            serve_at_once: more & 1 == 1,
            rule,
            refuses_nop,
            restrictions,
            memory: [None, None, Some(RingMemory::Pages), Some(RingMemory::HugePages)]
                [usize::from(more >> 1 & 3)],
            width: match more >> 3 & 7 {
                0 => CompletionWidth::Wide,
                1 => CompletionWidth::Mixed,
                _ => CompletionWidth::Narrow,
            },
            registered_waits: more & 0xc0 == 0xc0,
            without: input.take(usize::from(more & 0x3)).to_vec(),
        }
    }

    /// Whether there is no reason to refuse it.
    fn must_work(&self) -> bool {
        self.clamp
            && self.restrictions.is_none()
            && self.width == CompletionWidth::Narrow
            && !self.registered_waits
    }

    fn apply(&self, setup: Setup) -> Setup {
        let mut setup = setup.policy(Policy::Never).clamp(self.clamp).completion_width(self.width);
        setup = setup.registered_waits(self.registered_waits);
        if let Some(rule) = self.rule {
            setup = setup.rule(rule);
        }
        if let Some(restrictions) = &self.restrictions {
            setup = setup.restrict(restrictions.clone());
        }
        if let Some(memory) = self.memory {
            setup = setup.own_memory(memory);
        }
        self.without
            .iter()
            .fold(setup, |setup, &number| setup.without(number).without_registration(number))
    }

    fn build_queues(&self) {
        let setup = || {
            let setup = self.apply(Setup::new(self.entries));
            match self.completion_entries {
                Some(entries) => setup.completion_entries(entries),
                None => setup,
            }
        };
        let (shared, local) = (setup().build(), setup().build_local());
        for (refused, capacity) in [
            (shared.as_ref().err(), shared.as_ref().map(|queues| queues.submission.capacity())),
            (local.as_ref().err(), local.as_ref().map(|queues| queues.submission.capacity())),
        ] {
            assert!(!self.must_work() || refused.is_none(), "{refused:?}");
            let Ok(capacity) = capacity else { continue };
            assert!(capacity.is_power_of_two() && capacity <= KERNEL_MAX, "{capacity}");
            assert!(capacity >= self.entries.min(KERNEL_MAX), "{capacity} of {}", self.entries);
        }
        let Ok(mut queues) = shared else { return };
        let capacity = queues.submission.capacity();
        for (count, fits) in [(1, true), (capacity, true), (capacity + 1, false)] {
            let places = queues.submission.reserve(count).expect("nobody has forked");
            assert_eq!(places.is_some(), fits, "{count} of {capacity}");
        }
    }

    fn build_shared(&self) {
        let mut builder = SharedDriver::builder().entries(self.entries);
        if let Some(entries) = self.completion_entries {
            builder = builder.completion_entries(entries);
        }
        let builder = builder.serve_at_once(self.serve_at_once);
        let Some(driver) = self.judge(builder.setup(|setup| self.apply(setup)).build()) else {
            return;
        };
        self.judge_nop(block_on(driver.clone().submit(Nop)));
        assert_eq!(block_on(driver.shutdown(Duration::ZERO)).leaked, 0);
    }

    fn build_local(&self, input: &mut Input<'_>) {
        let mut builder = LocalDriver::builder().entries(self.entries);
        if let Some(entries) = self.completion_entries {
            builder = builder.completion_entries(entries);
        }
        let gathered = (input.number(), Duration::from_nanos(input.number().into()));
        let builder = builder.serve_at_once(self.serve_at_once).gather(gathered.0, gathered.1);
        let Some(driver) = self.judge(builder.setup(|setup| self.apply(setup)).build()) else {
            return;
        };
        self.judge_nop(driver.block_on(driver.clone().submit(Nop)));
        assert_eq!(driver.shutdown(Duration::ZERO).leaked, 0);
    }

    fn build_sharded(&self, input: &mut Input<'_>) {
        let mut builder = ShardedDriver::builder().entries(self.entries).shards(input.below(4));
        if let Some(entries) = self.completion_entries {
            builder = builder.completion_entries(entries);
        }
        let builder = builder.serve_at_once(self.serve_at_once);
        let Some(driver) = self.judge(builder.setup(|setup| self.apply(setup)).build()) else {
            return;
        };
        let shard = driver.shard(input.below(driver.shards()));
        self.judge_nop(block_on(shard.submit(Nop)));
        block_on(driver.shutdown(Duration::ZERO));
    }

    /// There is no such driver without io_uring.
    fn build_in_kernel(&self, kind: usize, input: &mut Input<'_>) {
        let setup = |setup| self.apply(setup);
        let is_refused = if kind == 4 {
            let builder = IopollDriver::builder().entries(self.entries).setup(setup);
            builder.sleep_first(self.serve_at_once).build().is_err()
        } else {
            let mut builder = SqpollDriver::builder().entries(self.entries).setup(setup);
            if kind == 5 {
                builder = builder.cpu(input.u32());
            }
            builder.idle(Duration::from_nanos(input.u64())).build().is_err()
        };
        assert!(is_refused, "a driver without the kernel that it needs");
    }

    fn judge<D>(&self, built: io::Result<D>) -> Option<D> {
        assert!(!self.must_work() || built.is_ok(), "{:?}", built.err());
        // A refusal says what to do about it.
        if let Err(error) = &built {
            assert!(!error.to_string().is_empty());
        }
        built.ok()
    }

    fn judge_nop(&self, result: io::Result<()>) {
        assert_eq!(result.is_err(), self.refuses_nop, "{result:?}");
    }
}

/// A size that takes little memory, or one that is too large where that is refused.
fn size(input: &mut Input<'_>, clamp: bool) -> u32 {
    let size = input.number();
    let is_refused = !clamp && size > 4 * KERNEL_MAX;
    if is_refused { size } else { size.min(ENTRIES_MAX) }
}
