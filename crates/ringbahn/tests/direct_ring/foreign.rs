//! A slot, a table and a driver that do not belong together.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use futures::executor::block_on as run;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use ringbahn::fs::OpenOptions;
use ringbahn::{Direct, ForeignRing, Ring, SharedDriver};

use crate::streams::InSlot;
use crate::{in_slots, support};

#[track_caller]
fn assert_foreign(error: &std::io::Error) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.get_ref().is_some_and(|inner| inner.is::<ForeignRing>()), "{error}");
}

#[test]
fn a_slot_is_of_no_use_on_the_ring_of_another_driver() {
    let test = "a_slot_is_of_no_use_on_the_ring_of_another_driver";
    in_slots(test, 1, |driver: &SharedDriver, table| {
        let Some(other) = support::driver(test) else { return };
        // So that the number of the slot means something there.
        let of_other = other.direct_table(1).unwrap();
        let (near, far) = crate::streams::half_pair(driver, table);
        let slot = run(near.into_inner()).unwrap().into_fd();
        let mut lost: InSlot<SharedDriver> = Ring::new_on_driver(Direct::new(slot), other.clone());
        run(async {
            let (result, buffer) = lost.recv(vec![7; 7]).await;
            assert_foreign(&result.unwrap_err());
            assert_eq!(buffer, [7; 7]);
            assert_foreign(&lost.send_all("text").await.0.unwrap_err());
            assert_foreign(&lost.read(&mut [0; 1]).await.unwrap_err());
            let written = async {
                lost.write_all(b"text").await?;
                lost.flush().await
            };
            assert_foreign(&written.await.unwrap_err());
            assert_foreign(&lost.install().await.unwrap_err());
            // Closing takes no operation, so that works.
            lost.close().await.unwrap();
        });
        assert_eq!((table.open(), of_other.open()), (0, 0));
        let counters = other.counters();
        assert_eq!((counters.submitted, counters.served_at_once), (0, 0));
        drop(far);
        drop(of_other);
        assert_eq!(run(other.shutdown(Duration::from_secs(10))).leaked, 0);
    });
}

#[test]
fn nothing_gets_into_slots_of_another_ring() {
    let test = "nothing_gets_into_slots_of_another_ring";
    in_slots(test, 1, |driver: &SharedDriver, table| {
        let Some(other) = support::driver(test) else { return };
        let any = (Ipv4Addr::LOCALHOST, 0);
        let listener = Ring::<TcpListener, _>::bind_on_driver(any, other.clone()).unwrap();
        let listener = listener.into_slots(table);
        let address = listener.get_ref().local_addr().unwrap();
        let _far = TcpStream::connect(address).unwrap();
        assert_foreign(&run(listener.accept()).unwrap_err());
        let connect = InSlot::connect_into_slot(address, table, other.clone());
        assert_foreign(&run(connect).unwrap_err());
        let mut options = OpenOptions::new();
        let open = options.read(true).open_into_slot("/dev/zero", table, other.clone());
        assert_foreign(&run(open).unwrap_err());
        assert_eq!((table.open(), driver.counters().submitted), (0, 0));
    });
}
