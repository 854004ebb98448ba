//! [`World`]: what the tasks of a swarm work on, and the random things that they do to it.

use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::event::{
    Accept, Close, Connect, ControlMessage, Domain, EventExt, Fsync, Interest, LinkAt, MkdirAt,
    Nop, OpenAt, OpenOptions, PollAdd, Position, Read, ReadExact, ReadVectored, Recv, RecvMsg,
    RenameAt, SendAll, SendMsg, Shutdown, Socket, Statx, SymlinkAt, Timeout, Truncate, Type,
    UnlinkAt, Write, WriteAll, WriteVectored,
};
use ringbahn_core::{Drive, Event, SharedFd, SocketAddress};
use ringbahn_sim::{Faults, Sim};

use super::account::Account;
use super::regions::{LENGTH, Regions};
use super::streams::Streams;

/// How long an operation is waited for.
const PATIENCE: Duration = Duration::from_millis(5);

/// What the tasks work on.
pub(crate) struct World {
    sim: Sim,
    account: Account,
    operations: u64,
    file: SharedFd,
    regions: Regions,
    /// Of these nobody cares which bytes arrive.
    pipe: (SharedFd, SharedFd),
    pair: (SharedFd, SharedFd),
    datagrams: (SharedFd, SharedFd),
    listener: SharedFd,
    address: SocketAddress,
}

impl World {
    pub(crate) fn new(sim: &Sim, account: &Account, operations: u64) -> World {
        let shared = |ends: io::Result<(OwnedFd, OwnedFd)>| {
            let (a, b) = ends.unwrap();
            (a.into(), b.into())
        };
        sim.put("/data", &[]).unwrap();
        let (file, listener) = sim.block_on(async {
            let mut options = OpenOptions::new();
            options.read(true).write(true);
            let file = until_ok(|| sim.driver().submit(OpenAt::new("/data", &options).unwrap()));
            let listener = || sim.driver().submit(Socket::new(Domain::IPV4, Type::STREAM, None));
            (file.await, until_ok(listener).await)
        });
        sim.bind(&listener, "127.0.0.1:80".parse::<std::net::SocketAddr>().unwrap()).unwrap();
        sim.listen(&listener, 3).unwrap();
        World {
            sim: sim.clone(),
            account: account.clone(),
            operations,
            file: file.into(),
            regions: Regions::new(),
            pipe: shared(sim.pipe()),
            pair: shared(sim.stream_pair()),
            datagrams: shared(sim.datagram_pair()),
            address: sim.local_address(&listener).unwrap(),
            listener: listener.into(),
        }
    }

    /// Runs so many tasks until there have been enough operations.
    pub(crate) async fn run(&self, tasks: usize, streams: &Streams) {
        let go_on = || self.sim.driver().counters().submitted < self.operations;
        let random = (0..tasks).map(|_| {
            Box::pin(async move {
                while go_on() {
                    self.act().await;
                }
            }) as Pin<Box<dyn Future<Output = ()> + '_>>
        });
        let sending = (0..streams.count()).map(|number| {
            Box::pin(async move {
                while go_on() {
                    streams.send(number).await;
                }
            }) as Pin<Box<dyn Future<Output = ()> + '_>>
        });
        let receiving = (0..streams.count()).map(|number| {
            Box::pin(async move {
                while go_on() {
                    streams.receive(number).await;
                }
            }) as Pin<Box<dyn Future<Output = ()> + '_>>
        });
        join_all(random.chain(sending).chain(receiving)).await;
    }

    /// One random thing.
    async fn act(&self) {
        let place = || self.account.buffer(vec![1; 1 + self.sim.random(200) as usize]);
        match self.sim.random(24) {
            0 | 1 => drop(self.some(Nop).await),
            2 => {
                let time = Duration::from_micros(self.sim.random(3000));
                drop(self.some(Timeout::new(time)).await);
            }
            3 | 4 => self.write_region().await,
            5 | 6 => self.read_region().await,
            7 => drop(self.some(Fsync::new(self.file.clone())).await),
            8 => drop(self.some(Statx::of(self.file.clone())).await),
            9 => self.open_and_close().await,
            10 => drop(self.some(Accept::new(self.listener.clone())).await),
            11 => self.connect().await,
            12 => {
                let read = Read::new(self.pipe.0.clone(), place(), Position::Current);
                drop(self.some(read).await);
            }
            13 => {
                let write = Write::new(self.pipe.1.clone(), place(), Position::Current);
                drop(self.some(write).await);
            }
            14 => {
                let write = WriteAll::new(self.pipe.1.clone(), place(), Position::Current);
                drop(self.some(write).await);
            }
            15 => drop(self.some(Recv::new(self.pair.0.clone(), place())).await),
            16 => drop(self.some(SendAll::new(self.pair.1.clone(), place())).await),
            17 => {
                let file = [&self.pipe.0, &self.pipe.1, &self.pair.0, &self.listener];
                let file = file[self.sim.random(4) as usize].clone();
                let interest = Interest::READABLE | Interest::PRIORITY;
                drop(self.some(PollAdd::new(file, interest)).await);
            }
            18 => self.pass_a_descriptor().await,
            19 => {
                let space = ControlMessage::space(8);
                let receive = RecvMsg::new(self.datagrams.1.clone(), [place(), place()]);
                drop(self.some(receive.control_space(space)).await);
            }
            20 => self.chain().await,
            21 => {
                let buffers = vec![place(), place(), place()];
                let read = ReadVectored::new(self.pipe.0.clone(), buffers, Position::Current);
                drop(self.some(read).await);
            }
            22 => {
                let buffers = vec![place(), place()];
                let write = WriteVectored::new(self.pair.1.clone(), buffers, Position::Current);
                drop(self.some(write).await);
            }
            _ => {
                let shut = Shutdown::new(self.listener.clone(), std::net::Shutdown::Write);
                drop(self.some(shut).await);
            }
        }
    }

    /// Runs the event to its end, or gives it up in some way. `None` where it was dropped.
    async fn some<E: Event>(&self, event: E) -> Option<E::Output> {
        let sim = &self.sim;
        let submission = sim.driver().submit(self.account.count(event));
        let how = sim.random(10);
        if how < 5 {
            // As long as it may take; but it may wait for ever.
            return Some(submission.timeout(PATIENCE).await);
        }
        let mut submission = Box::pin(submission);
        match how {
            5 => polls(submission, 1).await,
            6 => polls(submission, 1 + sim.random(8)).await,
            7 => {
                let time = Duration::from_micros(sim.random(2000));
                let timer = sim.driver().submit(Timeout::new(time));
                match futures::future::select(submission, Box::pin(timer)).await {
                    futures::future::Either::Left((output, _)) => Some(output),
                    futures::future::Either::Right(_) => None,
                }
            }
            _ => {
                if let Some(output) = polls(submission.as_mut(), 1 + sim.random(8)).await {
                    return Some(output);
                }
                let cancelled = poll_fn(|cx| submission.as_mut().poll_cancel(cx)).await;
                Some(cancelled.into_inner())
            }
        }
    }

    async fn write_region(&self) {
        let Some(region) = self.regions.claim(&self.sim) else { return };
        let content = region.new_content();
        let buffer = self.account.buffer(content.clone());
        let write = WriteAll::new(self.file.clone(), buffer, Position::At(region.position()));
        match self.some(write).await {
            Some((Ok(()), _)) => region.is_now(content),
            Some((Err(_), _)) => {}
            None => region.abandon(),
        }
    }

    async fn read_region(&self) {
        let Some(region) = self.regions.claim(&self.sim) else { return };
        let buffer = self.account.buffer(vec![0xaa; LENGTH]);
        let read = ReadExact::new(self.file.clone(), buffer, Position::At(region.position()));
        if let Some((Ok(()), buffer)) = self.some(read).await {
            self.account.note_wrong_bytes(region.wrong(buffer.bytes()));
        }
    }

    async fn open_and_close(&self) {
        let path = format!("/file{}", self.sim.random(5));
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        let Ok(open) = OpenAt::new(&path, &options) else { return };
        if let Some(Ok(file)) = self.some(open).await {
            match self.sim.random(3) {
                0 => drop(file),
                1 => drop(self.some(Close::new(file)).await),
                _ => drop(self.some(Truncate::new(file, 100)).await),
            }
        }
        self.change_names(&path).await;
    }

    /// Gives names and takes them away. What becomes of it nobody knows: others do the same.
    async fn change_names(&self, path: &str) {
        let other = format!("/file{}", self.sim.random(5));
        match self.sim.random(6) {
            0 => drop(self.some(RenameAt::new(path, other).unwrap()).await),
            1 => drop(self.some(LinkAt::new(path, other).unwrap()).await),
            2 => drop(self.some(SymlinkAt::new(path, other).unwrap()).await),
            3 => drop(self.some(MkdirAt::new(other).unwrap()).await),
            4 => drop(self.some(UnlinkAt::directory(other).unwrap()).await),
            _ => drop(self.some(UnlinkAt::file(other).unwrap()).await),
        }
    }

    async fn connect(&self) {
        let socket = self.some(Socket::new(Domain::IPV4, Type::STREAM, None)).await;
        if let Some(Ok(socket)) = socket {
            let socket = SharedFd::from(socket);
            let connect = Connect::new(socket.clone(), self.address.clone());
            if let Some(Ok(())) = self.some(connect).await {
                let buffer = self.account.buffer(vec![1; 10]);
                drop(self.some(SendAll::new(socket, buffer)).await);
            }
        }
    }

    async fn pass_a_descriptor(&self) {
        let Ok((_, writer)) = self.sim.pipe() else { return };
        let buffer = self.account.buffer(vec![2; 5]);
        let send = SendMsg::new(self.datagrams.0.clone(), [buffer]);
        let send = send.control(ControlMessage::descriptors(vec![writer]));
        drop(self.some(send).await);
    }

    async fn chain(&self) {
        let Some(region) = self.regions.claim(&self.sim) else { return };
        let content = region.new_content();
        let buffer = self.account.buffer(content.clone());
        let write = Write::new(self.file.clone(), buffer, Position::At(region.position()));
        let write = self.account.count(write);
        match self.some(write.link(Fsync::new(self.file.clone()))).await {
            Some(((Ok(LENGTH), _), _)) => region.is_now(content),
            Some(_) => {}
            None => region.abandon(),
        }
    }
}

/// Polls `future` up to so many times, each time there is a turn. `None` where it is not ready
/// then.
pub(crate) async fn polls<F: Future + Unpin>(mut future: F, mut count: u64) -> Option<F::Output> {
    poll_fn(|cx| {
        if let Poll::Ready(output) = Pin::new(&mut future).poll(cx) {
            return Poll::Ready(Some(output));
        }
        count -= 1;
        if count == 0 {
            return Poll::Ready(None);
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// Tries until it succeeds, which errors that are injected keep it from.
async fn until_ok<T, F: Future<Output = io::Result<T>>>(mut attempt: impl FnMut() -> F) -> T {
    loop {
        if let Ok(value) = attempt().await {
            return value;
        }
    }
}

/// Waits until nothing is in flight but this.
pub(crate) async fn settle(sim: &Sim) {
    sim.set_faults(Faults::none());
    for _ in 0..100 {
        let rest = Timeout::new(Duration::from_secs(1));
        sim.driver().submit(rest).await.unwrap();
        if sim.driver().counters().in_flight == 0 && sim.running() == 0 {
            return;
        }
    }
}
