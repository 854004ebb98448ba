//! [`LocalShare`]: what one thread shares with itself, in memory that serves again.
//!
//! An `Rc` gives its memory back to the allocator, and every operation has such a share. A batch of
//! them is made and goes within microseconds, and what allocators keep at hand is spent after a few
//! of one size; the rest took longer than all else that is done for an operation. So a thread keeps
//! some blocks of each size on a shelf of its own, and takes what was put there last, which is in
//! the cache.
//!
//! # Safety
//!
//! LS1. The block of a share holds an initialised value, and a count of its shares, from its
//!      making until the last of them is dropped. A share is neither `Send` nor `Sync`, so that
//!      one thread counts.
//!
//! LS2. A block of class *n* was allocated with the layout of that class, whoever has used it
//!      since; one of no class with that of its content. The class follows from the layout of the
//!      content, which is the same when the block is taken and when it is given back.
//!
//! LS3. A block on a shelf is nobody's: its first word links to the next one, and there is nothing
//!      else in it.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::process::abort;
use std::ptr::{self, NonNull};

use super::Local;
use crate::event::Event;
use crate::operation::{Operation, Record};

/// How many bytes more the blocks of a class have than those of the one before.
const STEP: usize = 32;
/// How many bytes less than a step a block of class 0 has. An allocator such as glibc's keeps a
/// word beside each block, and both take a multiple of 16 bytes: so with these none is unused.
const WORD: usize = size_of::<usize>();
/// How many classes there are. Larger blocks come from the allocator.
const CLASSES: usize = 16;
/// How many bytes the blocks of the last class have.
const LARGEST: usize = CLASSES * STEP - WORD;
/// How blocks of a class are aligned.
const ALIGNMENT: usize = 16;
/// How many blocks of a class a thread keeps at the most.
const KEPT_MAX: u32 = 256;

/// A share of a value, among those of one thread.
pub struct LocalShare<T: ?Sized> {
    block: NonNull<Counted<T>>,
    /// It drops a `T`.
    owns: PhantomData<Counted<T>>,
}

/// A value, and how many shares of it there are.
#[repr(C)]
struct Counted<T: ?Sized> {
    shares: Cell<usize>,
    value: T,
}

impl<T> LocalShare<T> {
    /// The first share of what `make` makes, which is made where it is to lie.
    #[inline]
    pub(super) fn new(make: impl FnOnce() -> T) -> LocalShare<T> {
        let block = Block::take(Layout::new::<Counted<T>>());
        let counted: NonNull<Counted<T>> = block.address.cast();
        // SAFETY: LS2: the block has room for it.
        let value = unsafe { &raw mut (*counted.as_ptr()).value };
        // SAFETY: LS2, and LS1: nobody else knows of the block. Should `make` panic, it goes back.
        unsafe { value.write(make()) };
        // SAFETY: LS2.
        let shares = unsafe { &raw mut (*counted.as_ptr()).shares };
        // SAFETY: LS2, LS1.
        unsafe { shares.write(Cell::new(1)) };
        std::mem::forget(block);
        LocalShare { block: counted, owns: PhantomData }
    }

    /// The value, where this is the only share of it.
    #[inline]
    pub(super) fn sole(&mut self) -> Option<&mut T> {
        if self.counted().shares.get() != 1 {
            return None;
        }
        // SAFETY: LS1; there is no other share, and this one is borrowed mutably.
        Some(unsafe { &mut self.block.as_mut().value })
    }
}

impl<E: Event> LocalShare<Record<E, Local>> {
    /// The same share, with the event's type forgotten.
    #[inline]
    pub(super) fn forget_event(self) -> LocalShare<dyn Operation<Local>> {
        let block = self.block.as_ptr() as *mut Counted<dyn Operation<Local>>;
        std::mem::forget(self);
        // SAFETY: LS1: it is the pointer of a share, which is this one's from here on.
        let block = unsafe { NonNull::new_unchecked(block) };
        LocalShare { block, owns: PhantomData }
    }
}

impl<T: ?Sized> LocalShare<T> {
    #[inline]
    fn counted(&self) -> &Counted<T> {
        // SAFETY: LS1.
        unsafe { self.block.as_ref() }
    }

    /// The last share is dropped.
    #[inline(never)]
    fn end(&mut self) {
        // SAFETY: LS1; the value is there still.
        let layout = Layout::for_value(unsafe { self.block.as_ref() });
        // SAFETY: LS2; the block was taken with this layout. It goes back also if the value panics.
        let _block = unsafe { Block::again(self.block.cast(), layout) };
        // SAFETY: LS1: it points to the block.
        let value = unsafe { &raw mut (*self.block.as_ptr()).value };
        // SAFETY: LS1; there is no other share, and nobody will use this one again.
        unsafe { ptr::drop_in_place(value) };
    }
}

impl<T: ?Sized> Deref for LocalShare<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.counted().value
    }
}

impl<T: ?Sized> Clone for LocalShare<T> {
    #[inline]
    fn clone(&self) -> LocalShare<T> {
        let shares = &self.counted().shares;
        // As many can only have been forgotten, and one more would be taken for none.
        let more = shares.get().checked_add(1).unwrap_or_else(|| abort());
        shares.set(more);
        LocalShare { block: self.block, owns: PhantomData }
    }
}

impl<T: ?Sized> Drop for LocalShare<T> {
    #[inline]
    fn drop(&mut self) {
        let shares = &self.counted().shares;
        let left = shares.get() - 1;
        shares.set(left);
        if left == 0 {
            self.end();
        }
    }
}

/// A block that nothing is in. Dropped, it is put on the shelf.
struct Block {
    address: NonNull<u8>,
    layout: Layout,
}

impl Block {
    /// One for what has this layout.
    #[inline]
    fn take(layout: Layout) -> Block {
        let shelved = class_of(layout)
            .and_then(|class| SHELF.try_with(|shelf| shelf.stacks[class].pop()).unwrap_or(None));
        let address = shelved.unwrap_or_else(|| allocate(layout));
        Block { address, layout }
    }

    /// One that was taken before, for what has this layout.
    ///
    /// # Safety
    ///
    /// It was taken for the same layout, and nobody else has it.
    #[inline]
    unsafe fn again(address: NonNull<u8>, layout: Layout) -> Block {
        Block { address, layout }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        let shelved = class_of(self.layout).is_some_and(|class| {
            SHELF.try_with(|shelf| shelf.stacks[class].push(self.address)).unwrap_or(false)
        });
        if !shelved {
            free(self.address, self.layout);
        }
    }
}

/// The class of the blocks for what has this layout.
#[inline]
fn class_of(layout: Layout) -> Option<usize> {
    // Without a shelf AddressSanitizer sees what is used after it was given back.
    let has_shelf = !cfg!(ringbahn_no_shelf);
    let fits = has_shelf && layout.align() <= ALIGNMENT && (1..=LARGEST).contains(&layout.size());
    fits.then(|| (layout.size() + WORD - 1) / STEP)
}

/// The layout of the block for what has this layout.
fn of_block(layout: Layout) -> Layout {
    class_of(layout).map_or(layout, of_class)
}

fn of_class(class: usize) -> Layout {
    const OF_LARGEST: Layout = match Layout::from_size_align(LARGEST, ALIGNMENT) {
        Ok(layout) => layout,
        Err(_) => panic!("16 is a power of two"),
    };
    Layout::from_size_align((class + 1) * STEP - WORD, ALIGNMENT).unwrap_or(OF_LARGEST)
}

#[cold]
fn allocate(layout: Layout) -> NonNull<u8> {
    let layout = of_block(layout);
    // SAFETY: LS2: the layout is that of a block, which has room for a count at the least.
    let address = unsafe { alloc(layout) };
    NonNull::new(address).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cold]
fn free(address: NonNull<u8>, layout: Layout) {
    // SAFETY: LS2.
    unsafe { dealloc(address.as_ptr(), of_block(layout)) };
}

/// The blocks that a thread keeps, by their classes.
struct Shelf {
    stacks: [Stack; CLASSES],
}

/// Blocks of one class, the one that was put there last first.
struct Stack {
    first: Cell<Option<NonNull<Link>>>,
    length: Cell<u32>,
}

/// What is in a block on a shelf.
struct Link(Option<NonNull<Link>>);

thread_local! {
    static SHELF: Shelf = const { Shelf { stacks: [const { Stack::new() }; CLASSES] } };
}

impl Stack {
    const fn new() -> Stack {
        Stack { first: Cell::new(None), length: Cell::new(0) }
    }

    #[inline]
    fn pop(&self) -> Option<NonNull<u8>> {
        let first = self.first.get()?;
        // SAFETY: LS3.
        let Link(next) = unsafe { first.read() };
        self.first.set(next);
        self.length.set(self.length.get() - 1);
        Some(first.cast())
    }

    /// `false` where there are enough of them.
    #[inline]
    fn push(&self, block: NonNull<u8>) -> bool {
        if self.length.get() == KEPT_MAX {
            return false;
        }
        let link: NonNull<Link> = block.cast();
        // SAFETY: LS2, LS3: nobody has the block, which is larger than a link, and aligned.
        unsafe { link.write(Link(self.first.get())) };
        self.first.set(Some(link));
        self.length.set(self.length.get() + 1);
        true
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        for (class, stack) in self.stacks.iter().enumerate() {
            while let Some(block) = stack.pop() {
                free(block, of_class(class));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::event::{Nop, RecvProvided};

    #[test]
    fn memory_serves_again_and_each_value_is_dropped_once() {
        let alive = Rc::new(());
        let make = || LocalShare::new(|| (alive.clone(), [7_u8; 100]));
        let (first, second) = (make(), make());
        let (address, copy) = (first.block, first.clone());
        assert_eq!(Rc::strong_count(&alive), 3);
        drop(first);
        assert_eq!(Rc::strong_count(&alive), 3, "there is a share still");
        assert_eq!(copy.1, [7; 100]);
        drop(copy);
        assert_eq!(Rc::strong_count(&alive), 2);
        let serves_again = make().block == address;
        assert!(serves_again || cfg!(ringbahn_no_shelf), "what was put back last is taken first");
        drop(second);
        assert_eq!(Rc::strong_count(&alive), 1);
    }

    #[test]
    fn only_a_sole_share_gives_out_its_value() {
        let mut share = LocalShare::new(|| 1);
        let copy = share.clone();
        assert!(share.sole().is_none());
        drop(copy);
        *share.sole().unwrap() += 1;
        assert_eq!(*share, 2);
    }

    #[test]
    fn a_class_has_room_for_all_that_are_of_it() {
        #[repr(align(64))]
        struct Wide([u8; 64]);

        for size in [1, 24, 25, 56, 57, 88, 503, 504, 505, 4096] {
            for align in [1, 8, 16, 32] {
                let layout = Layout::from_size_align(size, align).unwrap();
                let block = of_block(layout);
                assert!(block.size() >= size && block.align() >= align, "{layout:?}");
                let is_of_one = size <= 504 && align <= 16 && !cfg!(ringbahn_no_shelf);
                assert_eq!(class_of(layout).is_some(), is_of_one, "{layout:?}");
            }
        }
        let wide = LocalShare::new(|| Wide([3; 64]));
        assert!(ptr::from_ref(&*wide).addr().is_multiple_of(64));
        assert_eq!(wide.0, [3; 64]);
        assert_eq!(LocalShare::new(|| [5_u8; 4000])[3999], 5, "a large one is of no class");
    }

    /// So many of them wait that a word more is told.
    #[test]
    fn the_record_of_a_receive_is_as_small_as_is_said() {
        assert!(size_of::<Counted<Record<RecvProvided, Local>>>() <= 152);
        assert!(size_of::<Counted<Record<Nop, Local>>>() <= 120);
    }

    #[test]
    #[cfg(not(ringbahn_no_shelf))]
    fn what_is_too_many_goes_back_to_the_allocator() {
        let shares: Vec<_> = (0..KEPT_MAX + 10).map(|n| LocalShare::new(|| n)).collect();
        drop(shares);
        let class = class_of(Layout::new::<Counted<u32>>()).unwrap();
        SHELF.with(|shelf| assert_eq!(shelf.stacks[class].length.get(), KEPT_MAX));
    }

    #[test]
    #[cfg(not(ringbahn_no_shelf))]
    fn a_panic_of_the_maker_loses_no_memory() {
        let class = class_of(Layout::new::<Counted<[u8; 300]>>()).unwrap();
        let kept = || SHELF.with(|shelf| shelf.stacks[class].length.get());
        let before = kept();
        let made = std::panic::catch_unwind(|| LocalShare::<[u8; 300]>::new(|| panic!("no value")));
        assert!(made.is_err());
        assert_eq!(kept(), before + 1);
    }
}
