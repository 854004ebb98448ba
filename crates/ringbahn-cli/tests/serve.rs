//! `ringbahn serve`, with clients that write HTTP by hand.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;
use tempfile::TempDir;

#[path = "support/server.rs"]
mod server;
#[path = "support/support.rs"]
mod support;
use server::{DRIVERS, Server};
use support::{bytes, has_ring, ringbahn, text, write};

/// Larger than all the room there is between a server and a client that does not read.
const LARGE: usize = 64 << 20;

/// Runs a test with a directory on each driver, where there is io_uring.
fn on_each_driver(test: &str, fill: impl Fn(&Path), run: impl Fn(&Server, &Path)) {
    if !has_ring(test) {
        return;
    }
    for driver in DRIVERS {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path());
        run(&start(&directory, driver), directory.path());
    }
}

fn start(directory: &TempDir, driver: &str) -> Server {
    let arguments = ["serve", ".", "--listen", "127.0.0.1:0", "--driver", driver];
    Server::start(ringbahn(directory.path(), &arguments))
}

/// A client on a connection of its own.
struct Client(BufReader<TcpStream>);

#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

impl Client {
    fn new(server: &Server) -> Client {
        let stream = server.connect();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client(BufReader::new(stream))
    }

    fn send(&mut self, request: &[u8]) {
        self.0.get_mut().write_all(request).unwrap();
    }

    /// The head of an answer, and how long its body is said to be.
    fn head(&mut self) -> (Answer, usize) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(self.0.read_line(&mut head).unwrap(), 0, "it ended after {head:?}");
        }
        let status = head.strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        (answer, length)
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("{method} {path} HTTP/1.1\r\nhost: a\r\n{headers}\r\n").as_bytes());
        let (mut answer, length) = self.head();
        if method != "HEAD" {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    fn get(&mut self, path: &str, headers: &[&str]) -> Answer {
        self.ask("GET", path, headers)
    }
}

#[test]
fn files_are_sent_as_they_are() {
    let files: [(&str, &[u8], &str, &str); 7] = [
        ("page.html", b"<p>", "/page.html", "text/html"),
        ("style.css", b"p{}", "/style.css", "text/css"),
        ("image.png", &[0, 255, 10], "/image.png", "image/png"),
        ("what is 100%?", b"unknown", "/what%20is%20100%25%3F", "application/octet-stream"),
        ("empty.txt", b"", "/empty.txt", "text/plain"),
        ("a..b", b"dots", "/./a..b?query=1", "application/octet-stream"),
        ("sub/deep.json", b"{}", "//sub//deep.json", "application/json"),
    ];
    let no_text = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let fill = |directory: &Path| {
        fs::create_dir(directory.join("sub")).unwrap();
        for (name, contents, ..) in files {
            fs::write(directory.join(name), contents).unwrap();
        }
        fs::write(directory.join(no_text), "bytes").unwrap();
        symlink("sub/deep.json", directory.join("link.json")).unwrap();
    };
    on_each_driver("files_are_sent_as_they_are", fill, |server, _| {
        let mut client = Client::new(server);
        for (_, contents, path, kind) in files {
            let got = client.get(path, &[]);
            assert_eq!((got.status, &got.body[..]), (200, contents), "{path} {got:?}");
            assert_eq!(got.header("content-length"), Some(&*contents.len().to_string()));
            assert_eq!(got.header("content-type"), Some(kind));
            assert_eq!(got.header("accept-ranges"), Some("bytes"));

            let head = client.ask("HEAD", path, &[]);
            let without_date = |answer: &Answer| {
                let lines = answer.head.lines().filter(|line| !line.starts_with("date: "));
                lines.map(str::to_owned).collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(without_date(&head), without_date(&got));
        }
        assert_eq!(client.get("/%ff%fe", &[]).body, b"bytes");
        assert_eq!(client.get("/link.json", &[]).body, b"{}");
        assert_eq!(client.ask("HEAD", "/nothing", &[]).status, 404);
        assert_eq!(client.get("/page.html", &[]).body, b"<p>");
    });
}

#[test]
fn a_client_is_spared_what_it_has() {
    let fill = |directory: &Path| write(directory.join("a.txt"), b"first", 0o644);
    on_each_driver("a_client_is_spared_what_it_has", fill, |server, directory| {
        let path = directory.join("a.txt");
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_500);
        File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        let mut client = Client::new(server);
        let first = client.get("/a.txt", &[]);
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(first.header("last-modified"), Some(date));
        let etag = first.header("etag").unwrap();

        let has_tag = format!("if-none-match: \"other\", {etag}");
        let has_date = format!("if-modified-since: {date}");
        for condition in
            [&*has_tag, &*has_date, "if-modified-since: Sunday, 06-Nov-94 08:49:38 GMT"]
        {
            for method in ["GET", "HEAD"] {
                let spared = client.ask(method, "/a.txt", &[condition]);
                assert_eq!((spared.status, spared.body.len()), (304, 0), "{condition}");
                assert_eq!(spared.header("etag"), Some(etag));
                assert_eq!(spared.header("content-length"), None);
            }
        }
        let earlier = "if-modified-since: Sun, 06 Nov 1994 08:49:36 GMT";
        for condition in [earlier, "if-none-match: \"other\"", "if-modified-since: soon"] {
            assert_eq!(client.get("/a.txt", &[condition]).body, b"first", "{condition}");
        }
        assert_eq!(client.get("/a.txt", &["if-match: \"other\""]).status, 412);

        write(&path, b"other", 0o644);
        let other = client.get("/a.txt", &[&has_tag, &has_date]);
        assert_eq!((other.status, &other.body[..]), (200, &b"other"[..]));
        assert_ne!(other.header("etag"), Some(etag));
        assert_eq!(client.get("/a.txt", &[&has_date]).status, 200);
    });
}

#[test]
fn a_part_of_a_file_is_sent() {
    let contents = bytes(200_000);
    let fill = |directory: &Path| {
        write(directory.join("a"), &contents, 0o644);
        write(directory.join("empty"), b"", 0o644);
    };
    on_each_driver("a_part_of_a_file_is_sent", fill, |server, _| {
        let mut client = Client::new(server);
        let whole = client.get("/a", &[]);
        let etag = whole.header("etag").unwrap();
        for (range, part) in [
            ("0-0", 0..1),
            ("70000-139999", 70_000..140_000),
            ("199999-", 199_999..200_000),
            ("100-999999999", 100..200_000),
            ("-7", 199_993..200_000),
            ("-999999999", 0..200_000),
        ] {
            let range = format!("range: bytes={range}");
            let got = client.get("/a", &[&range]);
            assert_eq!(got.status, 206, "{range}");
            assert!(got.body == contents[part.clone()], "{range}");
            let place = format!("bytes {}-{}/200000", part.start, part.end - 1);
            assert_eq!(got.header("content-range"), Some(&*place));
            let same = client.get("/a", &[&range, &format!("if-range: {etag}")]);
            assert_eq!((same.status, same.body.len()), (206, part.len()));
            let other = client.get("/a", &[&range, "if-range: \"other\""]);
            assert_eq!((other.status, other.body.len()), (200, contents.len()));
        }
        for (path, range) in [("/a", "200000-"), ("/a", "-0"), ("/empty", "0-")] {
            let got = client.get(path, &[&format!("range: bytes={range}")]);
            let place = format!("bytes */{}", if path == "/a" { 200_000 } else { 0 });
            assert_eq!((got.status, got.header("content-range")), (416, Some(&*place)), "{range}");
        }
        for range in ["range: bytes=0-0,5-6", "range: lines=1-2", "range: bytes=2-1"] {
            let got = client.get("/a", &[range]);
            assert_eq!((got.status, got.body.len()), (200, contents.len()), "{range}");
        }
        let head = client.ask("HEAD", "/a", &["range: bytes=0-0"]);
        assert_eq!((head.status, head.header("content-length")), (200, Some("200000")));
    });
}

#[test]
fn a_directory_is_its_index() {
    let fill = |directory: &Path| {
        for name in ["sub", "sub/with space", "bare", "odd", "odd/index.html"] {
            fs::create_dir(directory.join(name)).unwrap();
        }
        fs::write(directory.join("index.html"), "top").unwrap();
        fs::write(directory.join("sub/index.html"), "below").unwrap();
        fs::write(directory.join("sub/with space/index.html"), "far below").unwrap();
    };
    on_each_driver("a_directory_is_its_index", fill, |server, _| {
        let mut client = Client::new(server);
        for (path, body) in [
            ("/", "top"),
            ("/sub/", "below"),
            ("/sub/.", "below"),
            ("/sub/with%20space/", "far below"),
        ] {
            let got = client.get(path, &[]);
            assert_eq!((got.status, text(&got.body)), (200, body), "{path}");
            assert_eq!(got.header("content-type"), Some("text/html"));
        }
        for (path, location) in [
            ("/sub", "/sub/"),
            ("/sub?a=b&c", "/sub/?a=b&c"),
            ("//sub", "/sub/"),
            ("/sub/with%20space", "/sub/with%20space/"),
        ] {
            let got = client.get(path, &[]);
            assert_eq!((got.status, got.header("location")), (301, Some(location)), "{path}");
        }
        for path in ["/bare/", "/odd/", "/index.html/", "/sub/index.html/x", "/none/"] {
            assert_eq!(client.get(path, &[]).status, 404, "{path}");
        }
    });
}

#[test]
fn what_is_not_understood_is_refused() {
    let fill = |directory: &Path| write(directory.join("a"), b"contents", 0o644);
    on_each_driver("what_is_not_understood_is_refused", fill, |server, directory| {
        let mut client = Client::new(server);
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            let got = client.ask(method, "/a", &[]);
            assert_eq!((got.status, got.header("allow")), (405, Some("GET, HEAD")), "{method}");
        }
        for path in ["/%00", "/a%00b", "/%zz", "/%", "/.."] {
            assert_eq!(client.get(path, &[]).status, 400, "{path}");
        }
        assert_eq!(client.get("/a", &["host: b"]).status, 400);
        client.send(b"GET /a HTTP/1.1\r\n\r\n");
        assert_eq!(client.head().0.status, 400);
        for request in ["what is this\r\n\r\n", "GET /a HTTP/1.1\r\nno colon\r\n\r\n"] {
            let mut client = Client::new(server);
            client.send(request.as_bytes());
            assert_eq!(client.head().0.status, 400, "{request}");
        }
        let long = "x/".repeat(4000);
        assert_eq!(Client::new(server).get(&format!("/{long}y"), &[]).status, 404);
        let mut old = Client::new(server);
        old.send(b"GET /a HTTP/1.0\r\n\r\n");
        let mut answer = String::new();
        old.0.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("contents"), "{answer}");
        assert_eq!(fs::read(directory.join("a")).unwrap(), b"contents");
    });
}

#[test]
fn nothing_outside_of_the_directory_is_reached() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let fill = |directory: &Path| {
        fs::create_dir(directory.join("sub")).unwrap();
        fs::write(directory.join("sub/a"), "inside").unwrap();
        symlink("a", directory.join("sub/near")).unwrap();
        symlink("../sub/a", directory.join("sub/around")).unwrap();
        symlink(outside.path(), directory.join("out")).unwrap();
        symlink(outside.path().join("secret"), directory.join("out_file")).unwrap();
        symlink("../../../../../../../../etc/passwd", directory.join("up")).unwrap();
        // It leads inside in the end, but on a way that is not the server's to know.
        symlink(directory.join("sub/a"), directory.join("absolute")).unwrap();
        symlink("/proc/self/cwd", directory.join("magic")).unwrap();
        symlink("circle", directory.join("circle")).unwrap();
    };
    on_each_driver("nothing_outside_of_the_directory_is_reached", fill, |server, _| {
        let mut client = Client::new(server);
        let name = outside.path().file_name().unwrap().to_str().unwrap();
        let path = outside.path().to_str().unwrap();
        for (target, status) in [
            (format!("/../{name}/secret"), 400),
            (format!("/sub/../../{name}/secret"), 400),
            (format!("/%2e%2e/{name}/secret"), 400),
            (format!("/%2e%2e%2f{name}%2fsecret"), 400),
            (format!("/sub/%2E%2E/.%2e/{name}/secret"), 400),
            (format!("/sub%2f..%2f..%2f{name}/secret"), 400),
            (format!("{path}/secret"), 404),
            (format!("/{path}/secret"), 404),
            (format!("/%2f{}/secret", path.replace('/', "%2F")), 404),
            ("/etc/passwd".to_owned(), 404),
            ("/..%5c..%5csecret".to_owned(), 404),
            ("/out/secret".to_owned(), 404),
            ("/out".to_owned(), 404),
            ("/out_file".to_owned(), 404),
            ("/up".to_owned(), 404),
            ("/absolute".to_owned(), 404),
            ("/magic/sub/a".to_owned(), 404),
            ("/circle".to_owned(), 404),
        ] {
            let got = client.get(&target, &[]);
            assert_eq!(got.status, status, "{target}");
            let body = text(&got.body);
            assert!(!body.contains("secret") && !body.contains("root"), "{target}: {body}");
        }
        for target in ["/sub/a", "/sub/near", "/sub/around"] {
            assert_eq!(client.get(target, &[]).body, b"inside", "{target}");
        }
    });
}

#[test]
fn what_is_no_plain_file_is_refused_at_once() {
    let fill = |directory: &Path| {
        mknodat(CWD, directory.join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o666), 0)
            .unwrap();
        drop(UnixListener::bind(directory.join("socket")).unwrap());
    };
    on_each_driver("what_is_no_plain_file_is_refused_at_once", fill, |server, _| {
        let mut client = Client::new(server);
        for path in ["/pipe", "/socket", "/pipe", "/socket"] {
            assert_eq!(client.get(path, &[]).status, 403, "{path}");
        }
        assert_eq!(client.get("/pipe/", &[]).status, 404);
    });
}

#[test]
fn fifty_clients_get_what_they_ask_for() {
    let fill = |directory: &Path| {
        for number in 0..50 {
            let mut contents = bytes(number * 10_007);
            contents.rotate_left(number * 11);
            fs::write(directory.join(number.to_string()), contents).unwrap();
        }
    };
    on_each_driver("fifty_clients_get_what_they_ask_for", fill, |server, directory| {
        thread::scope(|scope| {
            for client in 0..50 {
                scope.spawn(move || {
                    let mut connection = Client::new(server);
                    for turn in 0..10 {
                        let name = ((client + turn * 7) % 50).to_string();
                        let got = connection.get(&format!("/{name}"), &[]);
                        assert_eq!(got.status, 200);
                        assert!(got.body == fs::read(directory.join(name)).unwrap());
                    }
                });
            }
        });
    });
}

fn large(directory: &Path) {
    File::create(directory.join("large")).unwrap().set_len(LARGE as u64).unwrap();
    fs::write(directory.join("small"), "small").unwrap();
}

fn ask_for_large(server: &Server) -> Client {
    let mut client = Client::new(server);
    client.send(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
    let (answer, length) = client.head();
    assert_eq!((answer.status, length), (200, LARGE));
    client
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    on_each_driver("a_file_that_shrinks_ends_the_connection", large, |server, directory| {
        let mut client = ask_for_large(server);
        let file = OpenOptions::new().write(true).open(directory.join("large")).unwrap();
        file.set_len(1).unwrap();
        let mut rest = Vec::new();
        // With an end or a reset: what counts is that it is not taken for the whole.
        let _ = client.0.read_to_end(&mut rest);
        assert!(rest.len() < LARGE, "{}", rest.len());
        assert_eq!(Client::new(server).get("/small", &[]).body, b"small");
    });
}

#[test]
fn a_file_that_grows_is_sent_as_long_as_it_was() {
    on_each_driver("a_file_that_grows_is_sent_as_long_as_it_was", large, |server, directory| {
        let mut client = ask_for_large(server);
        let file = OpenOptions::new().write(true).open(directory.join("large")).unwrap();
        file.write_all_at(b"more", LARGE as u64).unwrap();
        let mut body = vec![1; LARGE];
        client.0.read_exact(&mut body).unwrap();
        assert!(body.iter().all(|byte| *byte == 0));
        assert_eq!(client.get("/small", &[]).body, b"small");
    });
}

#[test]
fn a_file_is_never_in_memory_as_a_whole() {
    const SIZE: u64 = 1 << 30;
    let fill = |directory: &Path| {
        File::create(directory.join("huge")).unwrap().set_len(SIZE).unwrap();
    };
    on_each_driver("a_file_is_never_in_memory_as_a_whole", fill, |server, _| {
        let mut client = Client::new(server);
        client.send(b"GET /huge HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        assert_eq!(client.head().1 as u64, SIZE);
        assert_eq!(std::io::copy(&mut client.0, &mut std::io::sink()).unwrap(), SIZE);
        let peak = server.peak_memory();
        assert!(peak < SIZE / 2 / 1024, "{peak} KiB");
    });
}

#[test]
fn answers_that_have_begun_are_finished_at_the_end() {
    if !has_ring("answers_that_have_begun_are_finished_at_the_end") {
        return;
    }
    for (driver, signal) in DRIVERS.into_iter().zip([Signal::INT, Signal::TERM]) {
        let directory = tempfile::tempdir().unwrap();
        large(directory.path());
        let server = start(&directory, driver);
        let mut idle = Client::new(&server);
        assert_eq!(idle.get("/small", &[]).body, b"small");
        let mut busy = ask_for_large(&server);
        server.signal(signal);
        assert_eq!(idle.0.read_to_end(&mut Vec::new()).unwrap(), 0);
        let mut body = Vec::new();
        busy.0.read_to_end(&mut body).unwrap();
        assert_eq!(body.len(), LARGE);
        let (status, line, errors) = server.end();
        assert_eq!((status, &*errors), (Some(0), ""));
        assert_eq!(line, format!("2 connections, 2 requests, {} bytes\n", LARGE + 5));
    }
}

#[test]
fn a_second_signal_ends_what_would_take_for_ever() {
    if !has_ring("a_second_signal_ends_what_would_take_for_ever") {
        return;
    }
    for driver in DRIVERS {
        let directory = tempfile::tempdir().unwrap();
        large(directory.path());
        let server = start(&directory, driver);
        let client = ask_for_large(&server);
        server.signal(Signal::INT);
        // It has begun to end when nobody listens any more.
        while TcpStream::connect(server.address).is_ok() {
            thread::yield_now();
        }
        let begin = Instant::now();
        server.signal(Signal::INT);
        let (status, line, errors) = server.end();
        assert!(begin.elapsed() < Duration::from_secs(4));
        assert_eq!(status, Some(1), "{line}");
        assert!(errors.contains("1 connection was cut off"), "{errors}");
        drop(client);
    }
}

#[test]
fn a_directory_that_cannot_be_served_is_named() {
    if !has_ring("a_directory_that_cannot_be_served_is_named") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "").unwrap();
    for name in ["nothing", "file"] {
        let arguments = ["serve", name, "--listen", "127.0.0.1:0"];
        let output = ringbahn(directory.path(), &arguments).output().unwrap();
        let errors = text(&output.stderr);
        assert_eq!((output.status.code(), errors.lines().count()), (Some(2), 1), "{errors}");
        assert!(errors.contains(&format!("cannot serve {name}: ")), "{errors}");
        assert!(output.stdout.is_empty());
    }
}
