//! The events that move bytes between files and memory, or from file to file.

use io_uring::opcode;
use io_uring::types::Fd;
use ringbahn_core::event::*;
use ringbahn_core::{IoBuf, Sqe};

use crate::{POSITIONS, entry_of, file};

#[test]
fn read() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        let request = |entry: &Sqe, length| {
            let target = entry.get_address().cast();
            opcode::Read::new(Fd(fd), target, length).offset(offset).build()
        };
        entry_of(Read::new(file.clone(), vec![0; 77], position), |entry| request(entry, 77));
        entry_of(Read::new(file.clone(), [0; 5], position), |entry| request(entry, 5));
        entry_of(Read::new(file.clone(), [0; 9].slice(4..), position), |entry| request(entry, 5));
        entry_of(ReadExact::new(file.clone(), vec![0; 77], position), |entry| request(entry, 77));
    }
}

#[test]
fn write() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        let request = |entry: &Sqe| {
            let bytes = entry.get_address().cast_const().cast();
            opcode::Write::new(Fd(fd), bytes, 5).offset(offset).build()
        };
        entry_of(Write::new(file.clone(), "hello", position), request);
        entry_of(Write::new(file.clone(), String::from("hello"), position), request);
        entry_of(WriteAll::new(file.clone(), "hello", position), request);
    }
}

#[test]
fn read_vectored() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        entry_of(ReadVectored::new(file.clone(), vec![vec![0; 8]; 3], position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Readv::new(Fd(fd), vectors, 3).offset(offset).build()
        });
    }
}

#[test]
fn write_vectored() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        entry_of(WriteVectored::new(file.clone(), ["a", "b"], position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Writev::new(Fd(fd), vectors, 2).offset(offset).build()
        });
    }
}

#[test]
fn read_ranges() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        let ranges = vec![4..8, 0..2, 2..2];
        entry_of(ReadRanges::new(file.clone(), [0; 8], ranges, position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Readv::new(Fd(fd), vectors, 2).offset(offset).build()
        });
    }
}

#[test]
fn write_ranges() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        entry_of(WriteRanges::new(file.clone(), "hello", vec![3..9, 0..1], position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Writev::new(Fd(fd), vectors, 2).offset(offset).build()
        });
    }
}

#[test]
fn splice() {
    let ((from, from_fd), (to, to_fd)) = (file(), file());
    for (position, offset) in POSITIONS {
        let number = offset.cast_signed();
        let into = Splice::into_pipe(from.clone(), position, to.clone(), 77);
        entry_of(into, |_| opcode::Splice::new(Fd(from_fd), number, Fd(to_fd), -1, 77).build());
        let out = Splice::from_pipe(from.clone(), to.clone(), position, 77);
        entry_of(out.more(true), |_| {
            let splice = opcode::Splice::new(Fd(from_fd), -1, Fd(to_fd), number, 77);
            splice.flags(libc::SPLICE_F_MORE).build()
        });
    }
    entry_of(Splice::between_pipes(from, to, usize::MAX), |entry| {
        let length = entry.get_length();
        opcode::Splice::new(Fd(from_fd), -1, Fd(to_fd), -1, length).build()
    });
}

#[test]
fn tee() {
    let ((from, from_fd), (to, to_fd)) = (file(), file());
    entry_of(Tee::new(from, to, 77), |_| opcode::Tee::new(Fd(from_fd), Fd(to_fd), 77).build());
}
