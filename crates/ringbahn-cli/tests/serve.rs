//! `ringbahn serve`: what is answered to which request, and what is refused.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};

#[path = "support/server.rs"]
mod server;
#[path = "support/support.rs"]
mod support;
#[path = "support/web.rs"]
mod web;
use support::{bytes, has_ring, ringbahn, text, write};
use web::{Answer, Client, on_each_driver};

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
    let no_text = OsStr::from_bytes(b"\xff\xfe");
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
                lines.map(str::to_owned).collect::<BTreeSet<_>>()
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
