//! `ringbahn serve`: the files of a directory, over HTTP/1.
//!
//! | module | what is in it |
//! |---|---|
//! | [`target`] | the path that a request names |
//! | [`tree`] | the directory, and the way to a file in it |
//! | [`condition`] | what a request makes its answer depend on |
//! | [`range`](mod@range) | the part of a file that is asked for |
//! | [`answer`] | the answer to a request |
//! | [`body`] | the bytes of a file, read as they are sent |

use std::cell::Cell;
use std::fmt::Display;
use std::future::Future;
use std::io;
use std::net::TcpStream;
use std::pin::pin;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use ringbahn::Ring;
use ringbahn::hyper::Timer;

use crate::arguments::ServeArguments;
use crate::server::{self, Ending, Protocol, Serving};
use tree::Tree;

mod answer;
mod body;
mod condition;
mod range;
mod target;
mod tree;

/// How long a client may take for the head of a request, and between two of them.
const PATIENCE: Duration = Duration::from_secs(30);

/// Serves until a signal ends it, and says how it went.
pub(crate) fn run(arguments: &ServeArguments) -> ExitCode {
    let served = Files::new(arguments)
        .and_then(|files| server::run(arguments.driver, &arguments.listen, &files));
    server::report(served)
}

/// What is served.
struct Files {
    tree: Rc<Tree>,
    tally: Rc<Tally>,
    /// On the driver of the process whatever the connections are on: hyper wants sleeps that are
    /// `Send`.
    timer: Timer,
}

/// What was done.
#[derive(Default)]
struct Tally {
    requests: Cell<u64>,
    bytes: Cell<u64>,
}

impl Files {
    fn new(arguments: &ServeArguments) -> io::Result<Files> {
        let tree = Tree::open(&arguments.dir).map_err(|error| {
            let reason = format!("cannot serve {}: {error}", arguments.dir.display());
            io::Error::new(error.kind(), reason)
        })?;
        Ok(Files { tree: Rc::new(tree), tally: Rc::default(), timer: Timer::new()? })
    }
}

impl Protocol for Files {
    fn serve<D: Serving>(
        &self,
        connection: Ring<TcpStream, D>,
        ending: Ending,
    ) -> impl Future<Output = ()> + 'static {
        let (tree, tally, timer) = (self.tree.clone(), self.tally.clone(), self.timer);
        async move {
            let driver = connection.driver().clone();
            let answer = service_fn(move |request| {
                answer::answer(request, tree.clone(), tally.clone(), driver.clone())
            });
            let mut http = http1::Builder::new();
            // A client may say that it will ask no more while it waits.
            http.half_close(true).timer(timer).header_read_timeout(PATIENCE);
            let mut served = pin!(http.serve_connection(connection, answer));
            let is_to_end = select(served.as_mut(), ending).await;
            if matches!(is_to_end, Either::Right(_)) {
                served.as_mut().graceful_shutdown();
                // What a connection ends with is the client's affair.
                let _ = served.await;
            }
        }
    }

    fn summary(&self) -> impl Display {
        format!("{} requests, {} bytes", self.tally.requests.get(), self.tally.bytes.get())
    }
}
