//! The fallback: an engine inside the process that executes entries where no kernel does.
//!
//! It stands behind the same queues as a ring of the kernel, so drivers work on it unchanged.
//!
//! ```text
//!   SubmissionQueue ──► enter ──► Chain ──► perform ─── done ──────────► post ──► CompletionQueue
//!                                   ▲          │  └── would wait ──► watches ─┐ ▲
//!                                   │          └───── would block ─► pools ───┤ │
//!                         next in the chain                        timers ────┘ │
//!                                   └──────────────── finish ◄───── perform ◄───┘
//! ```
//!
//! | part | file |
//! |---|---|
//! | what the queues see of it | [`engine`] |
//! | CQEs, the list of those that did not fit in, who waits for them | [`completions`] |
//! | entries in chains, and what waits for all before it | [`schedule`], [`links`] |
//! | the operations that have not ended | [`operations`] |
//! | descriptors that are waited for, by one thread in `epoll_wait` | [`watches`], [`reactor`] |
//! | descriptors of which each change is told, by the same thread | [`edges`] |
//! | times that are waited for, by the same thread | [`timers`], [`timeouts`] |
//! | operations of many results | [`shots`] |
//! | buffers that are chosen when there is data | [`groups`] |
//! | files in slots | [`slots`] |
//! | calls that block, on threads of their own | [`pool`] |
//! | the end before the end, and other things to wait for | [`cancel`], [`polls`], [`interrupt`] |
//! | what an entry asks for, as system calls | [`calls`] |
//!
//! # What waits where
//!
//! An operation is tried in `enter`, by a call that does not wait. One that would have to wait for
//! a descriptor goes to the reactor, and ends with `ECANCELED` as soon as that is asked for. One
//! that has to block goes to a pool: files to one of [four threads for each
//! processor](pool::Class::Files), what may block for ever to one of [256
//! threads](pool::Class::Others). So 256 calls that never return, such as opening FIFOs that nobody
//! else opens, keep others of that kind from starting, and nothing else. A call that blocks cannot
//! be called off: a cancel answers `EALREADY`, and the operation ends when the call does.
//!
//! # What differs from the kernel
//!
//! * A descriptor that is closed while an operation waits for it may leave that waiting until it is
//!   cancelled. Operations own their descriptors, so it takes an unsafe call to close one.
//! * `O_NONBLOCK` is never changed. Where no flag keeps a call from waiting (accepting from a
//!   listener that blocks, reading a terminal), the descriptor is waited for first, and the call is
//!   made on a thread of the pool, one at a time for each descriptor: another process may be
//!   faster, and then it blocks there.
//! * Links are broken as by Linux 6.18, see [`links`].
//! * A receive does not tell whether the socket has more (`IORING_CQE_F_SOCK_NONEMPTY`), which is a
//!   hint. A send without a copy copies, and its notification comes at once.
//! * A futex is waited for in a thread, which begins a moment after the entry was taken: a wake
//!   that comes before, and changes nothing, is missed. Who changes the word first is not.
//! * Children that may stop, and any of several, are looked for every few milliseconds.
//! * A poll of many results may tell of what it has told of before, where another one of the same
//!   descriptor begins.
//! * A file in a slot is a descriptor, and counts as one of the process. What is to go to a ring
//!   goes to none of these. A registered buffer is memory as any other.
//! * The opcodes that [`opcodes::KNOWN`] does not list are refused.
//! * A forked child keeps three descriptors of each engine of its parent, and a fourth one
//!   where there were polls of many results.

mod calls;
mod cancel;
mod completions;
mod control;
mod edges;
mod engine;
mod epoll;
mod groups;
mod interrupt;
mod links;
mod opcodes;
mod operations;
mod polls;
mod pool;
mod reactor;
mod schedule;
mod settle;
mod shots;
mod slots;
#[cfg(all(test, not(loom)))]
mod tests;
mod thread;
mod timeouts;
mod timers;
mod watches;
mod work;

pub(crate) use engine::Engine;
