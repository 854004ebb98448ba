//! [`World`]: what a script works on, and the steps that it is made of.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use ringbahn_core::event::{
    Accept, Close, Connect, ControlMessage, Domain, EventExt, Fsync, Interest, LinkAt, MkdirAt,
    Nop, OpenAt, OpenOptions, PollAdd, Position, Read, ReadVectored, Recv, RecvMsg, RenameAt, Send,
    SendAll, SendMsg, SendZc, Shutdown, Socket, Statx, SymlinkAt, Timeout, Truncate, Type,
    UnlinkAt, Write, WriteAll, WriteVectored,
};
use ringbahn_core::{Drive, Event, SharedFd, SocketAddress};
use ringbahn_sim::Sim;

use super::account::{Account, Buffer};
use super::held::Held;
use super::stream::{Region, Stream};
use crate::input::Input;

/// How many operations a script holds at most; one more, and the oldest is let go.
const HELD_MAX: usize = 12;

/// How long a script rests at a time, in microseconds of virtual time; the driver may try cancels
/// that have missed again and again meanwhile.
const REST_MAX: u64 = 1_000_000;

/// How many descriptors a script holds at most, beside those of the world.
const DESCRIPTORS_MAX: usize = 8;

/// Descriptors that operations have brought.
type Descriptors = Rc<RefCell<Vec<OwnedFd>>>;

/// What a script works on.
pub(super) struct World {
    sim: Sim,
    account: Account,
    held: Vec<Held>,
    descriptors: Descriptors,
    stream: Rc<Stream>,
    region: Rc<Region>,
    file: SharedFd,
    /// Of these nobody cares which bytes arrive.
    pipe: (SharedFd, SharedFd),
    pair: (SharedFd, SharedFd),
    datagrams: (SharedFd, SharedFd),
    listener: SharedFd,
    address: SocketAddress,
}

impl World {
    /// A world in which nothing goes wrong yet.
    pub(super) fn new(sim: &Sim, account: &Account) -> World {
        let shared = |ends: io::Result<(OwnedFd, OwnedFd)>| {
            let (a, b) = ends.expect("nothing goes wrong yet");
            (SharedFd::from(a), SharedFd::from(b))
        };
        sim.put("/data", &[]).expect("a new file");
        let (file, listener) = sim.block_on(async {
            let mut options = OpenOptions::new();
            let open = OpenAt::new("/data", options.read(true).write(true)).expect("a path");
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None);
            (sim.driver().submit(open).await, sim.driver().submit(socket).await)
        });
        let file = SharedFd::from(file.expect("it is there"));
        let listener = listener.expect("there are descriptors");
        let address: SocketAddr = ([127, 0, 0, 1], 80).into();
        sim.bind(&listener, address).expect("nobody else has the address");
        sim.listen(&listener, 3).expect("it is bound");
        World {
            sim: sim.clone(),
            account: account.clone(),
            held: Vec::new(),
            descriptors: Descriptors::default(),
            stream: Rc::new(Stream::new(shared(sim.pipe()), account)),
            region: Rc::new(Region::new(file.clone(), account)),
            file,
            pipe: shared(sim.pipe()),
            pair: shared(sim.stream_pair()),
            datagrams: shared(sim.datagram_pair()),
            address: sim.local_address(&listener).expect("it is bound"),
            listener: listener.into(),
        }
    }

    /// One step of the script.
    pub(super) async fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() {
            0..=15 => self.poll(input.byte()).await,
            16..=23 => self.let_go(input.byte(), false),
            24..=27 => self.let_go(input.byte(), true),
            28..=39 => self.cancel(input.byte()).await,
            40..=47 => {
                let time = Duration::from_micros(u64::from(input.number()) % REST_MAX);
                drop(self.sim.driver().submit(Timeout::new(time)).await);
            }
            48..=63 => self.stream(input).await,
            64..=79 => self.region(input).await,
            80..=95 => self.names(input).await,
            96..=111 => self.descriptors(input).await,
            kind => self.start(kind - 112, input).await,
        }
    }

    /// Brings everything to its end, where nothing goes wrong any more.
    pub(super) async fn finish(&mut self) {
        for (number, mut held) in std::mem::take(&mut self.held).into_iter().enumerate() {
            if held.is_kept || number % 2 == 0 {
                held.cancel();
                poll_fn(|cx| held.poll(cx)).await;
            }
        }
        self.stream.close();
        while let Some(receive) = self.stream.receive(512) {
            let output = self.sim.driver().submit(receive).await;
            if !self.stream.has_received(output) {
                break;
            }
        }
        self.stream.settle();
        let region = self.region.read().expect("nothing is at work on it");
        self.region.has_read(self.sim.driver().submit(region).await);
        self.descriptors.borrow_mut().clear();
    }

    /// Submits an event and polls it once. `then` is told what comes of it.
    async fn begin<E: Event + 'static>(
        &mut self,
        event: E,
        is_kept: bool,
        then: impl FnOnce(E::Output) + 'static,
    ) {
        let submission = self.sim.driver().submit(self.account.count(event));
        self.held.push(Held::new(submission, is_kept, then));
        self.poll_at(self.held.len() - 1).await;
        if self.held.len() > HELD_MAX {
            self.let_go(0, false);
        }
    }

    /// As `begin`, where nobody cares what comes of it.
    async fn some<E: Event + 'static>(&mut self, event: E) {
        self.begin(event, false, drop).await;
    }

    /// As `begin`, of what brings a descriptor.
    async fn bringing<E>(&mut self, event: E)
    where
        E: Event<Output = io::Result<OwnedFd>> + 'static,
    {
        let descriptors = self.descriptors.clone();
        self.begin(event, false, move |output| keep(&descriptors, output)).await;
    }

    fn at(&self, number: u8) -> Option<usize> {
        usize::from(number).checked_rem(self.held.len())
    }

    async fn poll(&mut self, number: u8) {
        if let Some(at) = self.at(number) {
            self.poll_at(at).await;
        }
    }

    async fn poll_at(&mut self, at: usize) {
        let held = &mut self.held[at];
        let is_ready = poll_fn(|cx| Poll::Ready(held.poll(cx).is_ready())).await;
        if is_ready {
            self.held.remove(at);
        }
    }

    async fn cancel(&mut self, number: u8) {
        if let Some(at) = self.at(number) {
            self.held[at].cancel();
            self.poll_at(at).await;
        }
    }

    /// Drops an operation, or detaches it; what is kept is cancelled only.
    fn let_go(&mut self, number: u8, detached: bool) {
        let Some(at) = self.at(number) else { return };
        if self.held[at].is_kept {
            // It makes way for the others, and is polled later.
            let mut held = self.held.remove(at);
            held.cancel();
            self.held.push(held);
        } else if detached {
            self.held.remove(at).detach();
        } else {
            self.held.remove(at);
        }
    }

    async fn stream(&mut self, input: &mut Input<'_>) {
        let stream = self.stream.clone();
        let (sends, length) = (input.flag(), 1 + usize::from(input.byte()));
        if sends {
            let Some(send) = stream.send(length) else { return };
            self.begin(send, true, move |output| stream.has_sent(output)).await;
        } else {
            let Some(receive) = stream.receive(length) else { return };
            let then = move |output| {
                // Its end is waited for in the end only.
                stream.has_received(output);
            };
            self.begin(receive, true, then).await;
        }
    }

    async fn region(&mut self, input: &mut Input<'_>) {
        let region = self.region.clone();
        let (writes, byte) = (input.flag(), input.byte());
        if writes {
            let Some(write) = region.write(byte) else { return };
            self.begin(write, true, move |output| region.has_written(byte, output)).await;
        } else {
            let Some(read) = region.read() else { return };
            self.begin(read, true, move |output| region.has_read(output)).await;
        }
    }

    async fn names(&mut self, input: &mut Input<'_>) {
        let [one, other] = [input.byte(), input.byte()].map(|byte| format!("/{}", byte % 5));
        let is_path = "a path without zero bytes";
        match input.below(7) {
            0 => self.some(RenameAt::new(one, other).expect(is_path)).await,
            1 => self.some(LinkAt::new(one, other).expect(is_path)).await,
            2 => self.some(SymlinkAt::new(one, other).expect(is_path)).await,
            3 => self.some(MkdirAt::new(one).expect(is_path)).await,
            4 => self.some(UnlinkAt::directory(one).expect(is_path)).await,
            5 => self.some(UnlinkAt::file(one).expect(is_path)).await,
            _ => {
                let mut options = OpenOptions::new();
                let options = options.read(true).write(true).create(true);
                self.bringing(OpenAt::new(one, options).expect(is_path)).await;
            }
        }
    }

    async fn descriptors(&mut self, input: &mut Input<'_>) {
        let descriptor = self.descriptors.borrow_mut().pop();
        match (input.below(6), descriptor) {
            (0, Some(descriptor)) => self.some(Close::new(descriptor)).await,
            (1, Some(descriptor)) => {
                self.some(Truncate::new(descriptor, input.u16().into())).await;
            }
            (2, Some(descriptor)) => {
                let address = self.address.clone();
                self.some(Connect::new(SharedFd::from(descriptor), address)).await;
            }
            (3, Some(descriptor)) => {
                let send = SendMsg::new(self.datagrams.0.clone(), [self.buffer(input)]);
                let control = ControlMessage::descriptors(vec![descriptor]);
                self.some(send.control(control)).await;
            }
            (4, _) => self.bringing(Socket::new(Domain::IPV4, Type::STREAM, None)).await,
            (5, _) => {
                let descriptors = self.descriptors.clone();
                let then = move |output: io::Result<(OwnedFd, SocketAddress)>| {
                    keep(&descriptors, output.map(|(descriptor, _)| descriptor));
                };
                self.begin(Accept::new(self.listener.clone()), false, then).await;
            }
            _ => {}
        }
    }

    fn buffer(&self, input: &mut Input<'_>) -> Buffer {
        self.account.buffer(vec![1; 1 + usize::from(input.byte())])
    }

    /// One of the operations of which nobody cares what comes of them.
    async fn start(&mut self, kind: u8, input: &mut Input<'_>) {
        let (file, pipe, pair) = (self.file.clone(), self.pipe.clone(), self.pair.clone());
        let here = Position::Current;
        match kind % 18 {
            0 => self.some(Nop).await,
            1 => {
                let time = Duration::from_micros(input.u16().into());
                self.some(Timeout::new(time)).await;
            }
            2 => self.some(Fsync::new(file)).await,
            3 => self.some(Statx::of(file)).await,
            4 => self.some(Read::new(pipe.0, self.buffer(input), here)).await,
            5 => self.some(Write::new(pipe.1, self.buffer(input), here)).await,
            6 => self.some(WriteAll::new(pipe.1, self.buffer(input), here)).await,
            7 => self.some(Recv::new(pair.0, self.buffer(input))).await,
            8 => self.some(Send::new(pair.1, self.buffer(input))).await,
            9 => self.some(SendAll::new(pair.1, self.buffer(input))).await,
            10 => self.some(SendZc::new(pair.1, self.buffer(input))).await,
            11 => {
                let file = input.one_of(&[&pipe.0, &pipe.1, &pair.0, &self.listener]).clone();
                self.some(PollAdd::new(file, Interest::READABLE | Interest::PRIORITY)).await;
            }
            12 => {
                let buffers = [self.buffer(input), self.buffer(input)];
                let receive = RecvMsg::new(self.datagrams.1.clone(), buffers);
                self.some(receive.control_space(ControlMessage::space(8))).await;
            }
            13 => {
                let buffers = vec![self.buffer(input), self.buffer(input), self.buffer(input)];
                self.some(ReadVectored::new(pipe.0, buffers, here)).await;
            }
            14 => {
                let buffers = vec![self.buffer(input), self.buffer(input)];
                self.some(WriteVectored::new(pair.1, buffers, here)).await;
            }
            15 => {
                let write = Write::new(pipe.1, self.buffer(input), here);
                self.some(write.link(Fsync::new(file))).await;
            }
            16 => {
                let send = SendMsg::new(self.datagrams.0.clone(), [self.buffer(input)]);
                self.some(send).await;
            }
            _ => {
                let listener = self.listener.clone();
                self.some(Shutdown::new(listener, std::net::Shutdown::Write)).await;
            }
        }
    }
}

/// Keeps a descriptor, unless there are many.
fn keep(descriptors: &Descriptors, brought: io::Result<OwnedFd>) {
    let mut descriptors = descriptors.borrow_mut();
    if let Ok(descriptor) = brought
        && descriptors.len() < DESCRIPTORS_MAX
    {
        descriptors.push(descriptor);
    }
}
