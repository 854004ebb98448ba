//! [`Sqes`]: the tray on which an event lays out the entries of one operation.

use std::marker::PhantomData;
use std::ptr;

use smallvec::SmallVec;

use super::{Coupling, FLAG_DRAIN, FLAG_HARD_LINK, FLAG_LINK, NOBODY, Sqe, Word};
use crate::buf::Registration;
use crate::operation::table::OperationTable;
use crate::operation::target::CancelTarget;
use crate::personality::Personality;
use crate::ring_id::{Home, RingId};
use crate::sharing::Sharing;

/// The entries of one operation, laid out by [`Event::prepare`](crate::Event::prepare) before any
/// queue is involved.
///
/// Preparing on a tray and not in the queue itself costs a copy of 64 bytes, and buys that no
/// user code ever runs under a driver's lock.
///
/// A tray belongs to the call that it is handed to: its lifetime is invariant, so there is no other
/// tray of that type that it could be exchanged for. Were there one, an event in a chain could
/// make off with the entries of the event before it, and have the kernel write to the memory they
/// name when that is long freed:
///
/// ```compile_fail
/// # #![allow(unsafe_code)]
/// use std::sync::Mutex;
/// use ringbahn_core::{Event, Outcome, Sqe, Sqes};
///
/// static LOOT: Mutex<Option<Sqes>> = Mutex::new(None);
///
/// struct Thief;
///
/// impl Event for Thief {
///     type Output = ();
///
///     unsafe fn prepare(&mut self, sqes: &mut Sqes) {
///         *LOOT.lock().unwrap() = Some(std::mem::replace(sqes, Sqes::new()));
///         sqes.push(Sqe::nop());
///     }
///
///     fn complete(self, _outcome: Outcome<'_, Self>) {}
/// }
/// ```
#[derive(Debug)]
pub struct Sqes<'tray> {
    entries: SmallVec<[Sqe; 1]>,
    /// What the first entry that moves bytes of a registered buffer means.
    registered: Option<Meant>,
    /// What others mean.
    more: Option<Box<More>>,
    /// The rings that the entries may go to.
    home: Home,
    /// Invariant: S3.
    brand: PhantomData<fn(&'tray ()) -> &'tray ()>,
}

/// What an entry that moves bytes of a registered buffer means on the ring that has it. Whether
/// it can say so is known only when the tray meets its ring.
#[derive(Clone, Copy, Debug)]
struct Meant {
    ring: RingId,
    index: u16,
    /// Which entry. An event has fewer than 256.
    entry: u8,
}

/// What trays seldom hold.
#[derive(Debug, Default)]
struct More {
    /// Which entry is to cancel which operation. Where that is to be found is known only when
    /// the tray meets its ring.
    cancels: SmallVec<[(usize, CancelTarget); 1]>,
    registered: Vec<Meant>,
    /// The last word of which entry. It has another use until the tray meets its queue.
    last_words: SmallVec<[(usize, u64); 1]>,
    /// The second half of which entry, if it is one of 128 bytes.
    second_halves: Vec<(usize, [u8; 64])>,
}

impl Sqes<'static> {
    /// An empty tray.
    #[inline]
    pub fn new() -> Sqes<'static> {
        Sqes {
            entries: SmallVec::new(),
            registered: None,
            more: None,
            home: Home::ANY,
            brand: PhantomData,
        }
    }
}

impl Default for Sqes<'static> {
    fn default() -> Sqes<'static> {
        Sqes::new()
    }
}

impl Sqes<'_> {
    /// Adds an entry behind those there are.
    ///
    /// # Panics
    ///
    /// Panics where the entry was taken out of a place of a queue, to which it had been committed:
    /// the promises made for it were its event's, and no other event can make them.
    #[inline]
    pub fn push(&mut self, mut entry: Sqe) {
        assert!(entry.user_data == 0, "an entry is committed to one queue, once");
        if entry.home != Home::ANY {
            self.home = self.home.and(std::mem::replace(&mut entry.home, Home::ANY));
        }
        self.entries.push(entry);
    }

    /// Adds an entry whose address points into a buffer of this [`registration`].
    ///
    /// Where that is with the ring which the tray comes to meet, the entry names the buffer by its
    /// index there: a READ becomes a READ_FIXED. To any other ring the entry goes as it is. The
    /// address of a vectored entry is that of the vectors, which point into the buffer.
    ///
    /// [`registration`]: crate::IoBuf::registration
    #[inline]
    pub fn push_with(&mut self, entry: Sqe, registration: Option<Registration>) {
        if let Some(registration) = registration.filter(|it| it.serves(entry.opcode)) {
            let (ring, index) = (registration.ring(), registration.index());
            let meant = Meant { ring, index, entry: self.entries.len() as u8 };
            match &self.registered {
                None => self.registered = Some(meant),
                Some(_) => self.more.get_or_insert_default().registered.push(meant),
            }
        }
        self.push(entry);
    }

    /// Says that the entries name something registered with `ring`, such as a group of buffers.
    ///
    /// Any other ring refuses the event with [`ForeignRing`](crate::ForeignRing), in its output,
    /// and nothing of it reaches that ring. Of a direct descriptor given to [`Sqe::file`] the
    /// tray knows by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use ringbahn_core::{Event, Outcome, RingId, Sqe, Sqes};
    ///
    /// /// Does nothing, and on one ring only.
    /// struct NopOn(RingId);
    ///
    /// impl Event for NopOn {
    ///     type Output = std::io::Result<()>;
    ///
    ///     unsafe fn prepare(&mut self, sqes: &mut Sqes) {
    ///         sqes.belongs_to(self.0);
    ///         sqes.push(Sqe::nop());
    ///     }
    ///
    ///     fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
    ///         outcome.result().map(drop)
    ///     }
    /// }
    /// ```
    pub fn belongs_to(&mut self, ring: RingId) {
        self.home = self.home.and(Home::only(ring));
    }

    /// Whether there is one entry, which means the same on each ring that may have it: it is part
    /// of no chain, waits for nothing, and names nothing by what only its ring knows.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        const OTHERS_MATTER: u8 = FLAG_DRAIN | FLAG_LINK | FLAG_HARD_LINK;
        let [entry] = self.entries() else { return false };
        let names_nothing = self.registered.is_none() && self.more.is_none();
        entry.flags & OTHERS_MATTER == 0 && names_nothing
    }

    /// The rings that the entries may go to.
    #[inline]
    pub(crate) fn home(&self) -> Home {
        self.home
    }

    /// Adds an entry that cancels `target`, if that is an operation of the same ring.
    pub(crate) fn push_cancel(&mut self, target: CancelTarget) {
        self.push_aimed(Sqe::cancel(NOBODY), target);
    }

    /// Adds an entry that ends or changes `target`, if that is an operation of the same ring. Its
    /// address is to be the `user_data` of that.
    pub(crate) fn push_aimed(&mut self, entry: Sqe, target: CancelTarget) {
        self.more.get_or_insert_default().cancels.push((self.entries.len(), target));
        self.push(entry.address_number(NOBODY));
    }

    /// Adds an entry that ends with these 16 bytes, which its file's driver in the kernel reads.
    pub(crate) fn push_command(&mut self, entry: Sqe, command: [u8; 16]) {
        let (first, last) = halves(command);
        if last != 0 {
            let number = self.entries.len();
            self.more.get_or_insert_default().last_words.push((number, last));
        }
        self.push(entry.address3(ptr::without_provenance::<()>(first as usize)));
    }

    /// Adds an entry of 128 bytes that ends with these 80. Only a ring of such entries takes it.
    pub(crate) fn push_large(&mut self, entry: Sqe, end: [u8; 80]) {
        let (command, second_half) = end.split_at(16);
        let mut both = ([0; 16], [0; 64]);
        both.0.copy_from_slice(command);
        both.1.copy_from_slice(second_half);
        let number = self.entries.len();
        self.more.get_or_insert_default().second_halves.push((number, both.1));
        self.push_command(entry, both.0);
    }

    /// The second half of the entry that was added as number `index`, if it has one: then it is an
    /// entry of 128 bytes.
    pub fn second_half(&self, index: usize) -> Option<&[u8; 64]> {
        let halves = &self.more.as_ref()?.second_halves;
        halves.iter().find(|half| half.0 == index).map(|half| &half.1)
    }

    /// The first entry that has a second half, if one does.
    #[inline]
    pub(crate) fn large(&self) -> Option<&Sqe> {
        let (number, _) = self.more.as_ref()?.second_halves.first()?;
        self.entries.get(*number)
    }

    /// Finds what the entries mean in the ring of `table`: the operations that are to be cancelled,
    /// and the registered buffers.
    #[inline]
    pub(crate) fn aim<S: Sharing>(&mut self, table: &OperationTable<S>) {
        let Sqes { entries, registered, more, .. } = self;
        let mut name = |meant: &Meant| {
            if meant.ring == table.ring()
                && let Some(entry) = entries.get_mut(usize::from(meant.entry))
            {
                entry.use_registered(meant.index);
            }
        };
        registered.iter().for_each(&mut name);
        let Some(more) = more else { return };
        more.registered.iter().for_each(name);
        for &(index, word) in &more.last_words {
            entries[index].home = Home::word(word);
        }
        // The targets stay on the tray. It goes when the driver has let go of its lock; a target
        // that is the last share of its operation must not go earlier.
        for (index, target) in &more.cancels {
            if let Some(user_data) = target.user_data_in(table) {
                entries[*index].address = Word { integer: user_data };
                // Whoever ends cancelled without having been asked is submitted once more.
                target.forewarn();
            }
        }
    }

    /// The entries so far, in the order of their submission.
    #[inline]
    pub fn entries(&self) -> &[Sqe] {
        &self.entries
    }

    /// Whether the entry added last waits for one behind it that there is not.
    #[inline]
    pub(crate) fn is_open_chain(&self) -> bool {
        self.entries.last().is_some_and(|last| last.flags & (FLAG_LINK | FLAG_HARD_LINK) != 0)
    }

    /// Makes the entry added last and the next one a chain.
    pub(crate) fn couple_last(&mut self, coupling: Coupling) {
        if let Some(last) = self.entries.last_mut() {
            last.set_coupled(coupling);
        }
    }

    /// Has the entry that was added as number `index` wait until the ring has nothing else to do.
    pub(crate) fn drain_before(&mut self, index: usize) {
        if let Some(entry) = self.entries.get_mut(index) {
            entry.set_drained();
        }
    }

    /// Has the entries that were added from number `index` on run with these credentials.
    pub(crate) fn personify_from(&mut self, index: usize, personality: &Personality) {
        self.belongs_to(personality.ring());
        for entry in self.entries.iter_mut().skip(index) {
            entry.personality = personality.number();
        }
    }

    /// The entry that waits until the ring has nothing else to do, if one does.
    #[inline]
    pub(crate) fn drained(&self) -> Option<&Sqe> {
        self.entries.iter().find(|entry| entry.flags & FLAG_DRAIN != 0)
    }

    /// Moves the entries off the tray: the one way from here into a queue.
    #[inline]
    pub(crate) fn take_entries(&mut self) -> impl Iterator<Item = Sqe> {
        self.entries.drain(..)
    }

    /// Moves the entry off a tray that holds one, which is by far the usual case.
    #[inline]
    pub(crate) fn take_only_entry(&mut self) -> Option<Sqe> {
        if self.entries.len() == 1 { self.entries.pop() } else { None }
    }
}

/// Two words of 8 bytes each, as they lie in memory.
fn halves(bytes: [u8; 16]) -> (u64, u64) {
    let both = u128::from_ne_bytes(bytes);
    let (low, high) = (both as u64, (both >> 64) as u64);
    if cfg!(target_endian = "big") { (high, low) } else { (low, high) }
}

#[cfg(test)]
mod tests {
    use io_uring::{opcode, squeue, types::Fd};

    use super::*;
    use crate::Sqe;
    use crate::opcode as number;
    use crate::sharing::Shared;

    /// What `io-uring` makes of a request.
    #[allow(unsafe_code, reason = "the other crate's type is closed")]
    fn bytes(entry: squeue::Entry) -> [u8; 64] {
        // SAFETY: the type is `repr(C)`, of the size of `[u8; 64]` and without padding.
        unsafe { std::mem::transmute(entry) }
    }

    #[allow(unsafe_code, reason = "the entry goes nowhere")]
    #[test]
    fn a_tray_is_no_larger_than_an_error_should_be() {
        assert!(size_of::<Sqes>() <= 104, "{} bytes", size_of::<Sqes>());
    }

    /// An entry of 5 bytes on a tray that has met the ring of `table`, where they are registered.
    fn met(opcode: u8, table: &OperationTable<Shared>, registration: Registration) -> [u8; 64] {
        static BYTES: [u8; 5] = [0; 5];
        let mut sqes = Sqes::new();
        // SAFETY: S1: the entry goes nowhere.
        let entry = unsafe { Sqe::new(opcode) }.fd_number(3).address(BYTES.as_ptr()).length(5);
        sqes.push(Sqe::nop());
        sqes.push_with(entry, Some(registration));
        // A second one is kept elsewhere.
        // SAFETY: S1: the entry goes nowhere.
        let entry = unsafe { Sqe::new(opcode) }.fd_number(3).address(BYTES.as_ptr()).length(5);
        sqes.push_with(entry, Some(registration));
        sqes.aim(table);
        assert_eq!(sqes.entries()[1].bytes(), sqes.entries()[2].bytes());
        let mut bytes = sqes.entries()[1].bytes();
        bytes[16..24].fill(0);
        bytes
    }

    #[allow(unsafe_code, reason = "the entry goes nowhere")]
    #[test]
    fn a_command_is_in_its_place_when_the_tray_has_met_its_ring() {
        let command: [u8; 80] = std::array::from_fn(|index| index as u8 + 1);
        let mut sqes = Sqes::new();
        sqes.push(Sqe::nop());
        assert!(sqes.large().is_none() && sqes.second_half(0).is_none());
        // SAFETY: S1: the entry goes nowhere.
        let entry = || unsafe { Sqe::new(number::URING_CMD) }.fd_number(3);
        sqes.push_command(entry(), [9; 16]);
        sqes.push_large(entry(), command);
        assert_eq!(sqes.home(), Home::ANY, "the last word is no ring");
        assert_eq!(sqes.large().map(Sqe::opcode), Some(number::URING_CMD));
        assert_eq!(sqes.second_half(2).map(|half| &half[..]), Some(&command[16..]));
        assert!(sqes.second_half(1).is_none());
        sqes.aim::<Shared>(&OperationTable::new());
        assert_eq!(sqes.entries()[1].bytes()[48..], [9; 16]);
        assert_eq!(sqes.entries()[2].bytes()[48..], command[..16]);
        let command = command.first_chunk::<16>().copied().unwrap();
        let same = opcode::UringCmd16::new(Fd(3), 0).cmd(command).build();
        assert_eq!(sqes.entries()[2].bytes(), bytes(same));
    }

    #[test]
    fn a_registered_buffer_is_named_on_its_own_ring_and_is_memory_on_others() {
        let [table, other] = [OperationTable::new(), OperationTable::new()];
        let registration = Registration::new(table.ring(), 9).vectored(true);
        let null = std::ptr::null_mut();
        let fd = Fd(3);
        let pairs = [
            (
                number::READ,
                bytes(opcode::ReadFixed::new(fd, null, 5, 9).build()),
                bytes(opcode::Read::new(fd, null, 5).build()),
            ),
            (
                number::WRITE,
                bytes(opcode::WriteFixed::new(fd, null, 5, 9).build()),
                bytes(opcode::Write::new(fd, null, 5).build()),
            ),
            (
                number::SEND_ZC,
                bytes(opcode::SendZc::new(fd, null, 5).buf_index(Some(9)).build()),
                bytes(opcode::SendZc::new(fd, null, 5).build()),
            ),
            (
                number::READV,
                bytes(opcode::ReadvFixed::new(fd, null.cast(), 5, 9).build()),
                bytes(opcode::Readv::new(fd, null.cast(), 5).build()),
            ),
            (
                number::WRITEV,
                bytes(opcode::WritevFixed::new(fd, null.cast(), 5, 9).build()),
                bytes(opcode::Writev::new(fd, null.cast(), 5).build()),
            ),
            (
                number::RECV,
                bytes(opcode::Recv::new(fd, null, 5).build()),
                bytes(opcode::Recv::new(fd, null, 5).build()),
            ),
        ];
        for (opcode, fixed, plain) in pairs {
            assert_eq!(met(opcode, &table, registration), fixed, "{opcode}");
            assert_eq!(met(opcode, &other, registration), plain, "{opcode}");
            if matches!(opcode, number::READV | number::WRITEV) {
                let registration = registration.vectored(false);
                assert_eq!(
                    met(opcode, &table, registration),
                    plain,
                    "{opcode}, on an older kernel"
                );
            }
        }
    }
}
