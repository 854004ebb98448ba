//! Buffers of one ring at another, and what the kernel chooses.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;

use ringbahn_core::event::{OpenAt, OpenOptions, Opens as _, Position, Read, RecvProvided};
use ringbahn_core::{Drive, ForeignRing, IoBuf as _};

use crate::scene::{end, run, shared as file};
use crate::{known, shared};

#[test]
fn two_rings_share_buffers_that_are_pinned_once() {
    let test = "two_rings_share_buffers_that_are_pinned_once";
    let (Some(one), Some(other)) = (shared(test), shared(test)) else { return };
    let Some(buffers) = known(test, one.register_buffers(2, 4096)) else { return };
    let Some(clone) = known(test, other.registrar().clone_buffers(&buffers)) else { return };
    assert_ne!(buffers.ring(), clone.ring());
    let zero = file(File::open("/dev/zero").unwrap());
    let first = buffers.take().unwrap();
    let mut second = clone.take().unwrap();
    assert!(buffers.take().is_none() && clone.available() == 0, "there are two, and no more");
    second.set_len(4096);
    second.fill(1);
    // A read by an index under which the ring has nothing would fail.
    assert!(second.registration().is_some());
    let (count, second) =
        run(other.clone().submit(Read::new(zero.clone(), second, Position::At(0))));
    assert_eq!((count.unwrap(), &second[..]), (4096, &[0; 4096][..]));
    // On the ring that it was not taken for it is memory.
    let (count, second) = run(one.clone().submit(Read::new(zero.clone(), second, Position::At(0))));
    assert_eq!(count.unwrap(), 4096);
    drop(second);
    let second = buffers.take().expect("it has come back");
    drop((first, second, buffers));
    end(&one);
    // The pages outlive the ring that has pinned them.
    drop(one);
    let (count, _) =
        run(other.clone().submit(Read::new(zero, clone.take().unwrap(), Position::At(0))));
    assert_eq!(count.unwrap(), 4096);
    end(&other);
}

#[test]
fn clones_that_go_leave_their_places_to_others() {
    let test = "clones_that_go_leave_their_places_to_others";
    let (Some(one), Some(other)) = (shared(test), shared(test)) else { return };
    let Some(buffers) = known(test, one.register_buffers(64, 1)) else { return };
    // More than a ring has room for.
    for _ in 0..300 {
        let clone = other.registrar().clone_buffers(&buffers);
        if known(test, clone).is_none() {
            return;
        }
    }
    assert_eq!(buffers.available(), 64);
}

#[test]
fn a_ring_has_no_use_for_a_clone_of_its_own() {
    let test = "a_ring_has_no_use_for_a_clone_of_its_own";
    let (Some(one), Some(other)) = (shared(test), shared(test)) else { return };
    let Some(buffers) = known(test, one.register_buffers(1, 1)) else { return };
    let error = one.registrar().clone_buffers(&buffers).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    drop(one);
    // Its ring goes when the helper thread has let go of it.
    crate::scene::until("the ring has gone", || {
        let error = other.registrar().clone_buffers(&buffers);
        error.is_err_and(|error| error.kind() == io::ErrorKind::NotConnected)
    });
}

#[test]
fn the_kernel_tells_how_many_buffers_of_a_group_it_has_taken() {
    let test = "the_kernel_tells_how_many_buffers_of_a_group_it_has_taken";
    let (Some(driver), Some(other)) = (shared(test), shared(test)) else { return };
    let Some(group) = known(test, driver.buffer_group(4, 16)) else { return };
    let Some(taken) = known(test, driver.registrar().buffers_taken(&group)) else { return };
    assert_eq!(taken, 0);
    let (near, mut far) = UnixStream::pair().unwrap();
    far.write_all(b"two").unwrap();
    let received = run(driver.clone().submit(RecvProvided::new(file(near), &group)));
    assert_eq!(&received.unwrap().expect("there was data")[..], b"two");
    assert_eq!(driver.registrar().buffers_taken(&group).unwrap(), 1);
    let error = other.registrar().buffers_taken(&group).unwrap_err();
    assert!(error.get_ref().unwrap().is::<ForeignRing>(), "{error:?}");
    end(&driver);
}

#[test]
fn slots_are_chosen_where_they_may_be() {
    let test = "slots_are_chosen_where_they_may_be";
    let Some(driver) = shared(test) else { return };
    let Some(table) = known(test, driver.direct_table(8)) else { return };
    let Some(()) = known(test, driver.registrar().choose_slots(5..7)) else { return };
    let open = || {
        let open = OpenAt::new("/dev/null", OpenOptions::new().read(true)).unwrap();
        run(driver.clone().submit(open.into_slot(&table)))
    };
    let files = [open().unwrap(), open().unwrap()];
    assert_eq!(files.each_ref().map(|file| file.slot()), [5, 6]);
    open().expect_err("no other slot is to be chosen");
    drop(files);
    for range in [3..3, 7..9, u32::MAX - 1..u32::MAX] {
        let error = driver.registrar().choose_slots(range).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    end(&driver);
}
