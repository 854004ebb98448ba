//! [`Pollable`]: events that rings take which poll their devices.

use crate::buf::{IoBuf, IoBufMut, IoBufs};
use crate::event::{
    Either, Event, Keep, Link, Nop, Read, ReadExact, ReadRanges, ReadVectored, Rescued, Stepped,
    Then, Write, WriteAll, WriteRanges, WriteVectored,
};

/// An event that rings take which poll their devices for completions (`SETUP_IOPOLL`): one that
/// reads, writes, or does nothing.
///
/// It marks what such a ring accepts, and says nothing of the file, which has to be one that can be
/// polled. An event of one's own may be marked, too; if its entries are others than that, it is
/// refused when it is submitted, as any event is that is not marked.
pub trait Pollable: Event {}

impl Pollable for Nop {}
impl<B: IoBufMut> Pollable for Read<B> {}
impl<B: IoBufMut> Pollable for ReadExact<B> {}
impl<B: IoBufMut> Pollable for ReadRanges<B> {}
impl<V: IoBufs<Buffer: IoBufMut>> Pollable for ReadVectored<V> {}
impl<B: IoBuf> Pollable for Write<B> {}
impl<B: IoBuf> Pollable for WriteAll<B> {}
impl<B: IoBuf> Pollable for WriteRanges<B> {}
impl<V: IoBufs> Pollable for WriteVectored<V> {}
impl<A: Pollable, B: Pollable> Pollable for Link<A, B> {}
impl<A: Pollable, B: Pollable> Pollable for Then<A, B> {}
impl<E: Pollable> Pollable for Stepped<E> {}
impl<A: Pollable, B: Pollable<Output = A::Output>> Pollable for Either<A, B> {}
impl<E: Pollable, K: Keep<E::Output>> Pollable for Rescued<E, K> {}
