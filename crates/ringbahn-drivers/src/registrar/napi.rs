//! Polling of network cards: [`Napi`].

use std::io;
use std::time::Duration;

use ringbahn_core::Sharing;

use super::Registrar;
use super::lacking::Lacking;
use crate::sys::tuning::{register_napi, unregister_napi};
use crate::sys::uapi::{
    NAPI_ADD_ID, NAPI_DELETE_ID, NAPI_REGISTER, NAPI_TRACKING_DYNAMIC, NAPI_TRACKING_INACTIVE,
    NAPI_TRACKING_STATIC, Napi as Settings, REGISTER_NAPI, UNREGISTER_NAPI,
};

/// How a thread that waits for completions polls the network card meanwhile, instead of sleeping
/// until it interrupts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Napi {
    /// How long it polls at a time, in whole microseconds.
    pub busy_poll: Duration,
    /// Whether the card is not to interrupt while it is polled.
    pub prefer_busy_poll: bool,
    /// How the kernel gets to know which queues to poll.
    pub tracking: NapiTracking,
}

/// How the kernel gets to know which queues of network cards to poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NapiTracking {
    /// By the sockets that operations wait for.
    #[default]
    Dynamic,
    /// It is told each, by [`Registrar::add_napi_queue`]: Linux 6.13.
    Static,
}

impl Napi {
    fn settings(self) -> Settings {
        Settings {
            busy_poll: u32::try_from(self.busy_poll.as_micros()).unwrap_or(u32::MAX),
            prefer_busy_poll: self.prefer_busy_poll.into(),
            opcode: NAPI_REGISTER,
            parameter: match self.tracking {
                NapiTracking::Dynamic => NAPI_TRACKING_DYNAMIC,
                NapiTracking::Static => NAPI_TRACKING_STATIC,
            },
            ..Settings::default()
        }
    }

    /// What the kernel says was set; `None` where nothing was.
    fn of(settings: Settings) -> Option<Napi> {
        // Kernels before 6.13 do not say how they track, and a time of 0 polls nothing.
        if settings.parameter == NAPI_TRACKING_INACTIVE || settings.busy_poll == 0 {
            return None;
        }
        let tracking = match settings.parameter {
            NAPI_TRACKING_STATIC => NapiTracking::Static,
            _ => NapiTracking::Dynamic,
        };
        Some(Napi {
            busy_poll: Duration::from_micros(settings.busy_poll.into()),
            prefer_busy_poll: settings.prefer_busy_poll != 0,
            tracking,
        })
    }
}

impl<S: Sharing> Registrar<'_, S> {
    /// Has threads that wait in the ring poll network cards meanwhile, and yields what was set
    /// before.
    ///
    /// It pays where answers come within microseconds and a core is to spare. It is waits in the
    /// ring that poll: those of a [`LocalDriver`](crate::LocalDriver), and not those of drivers
    /// whose helper thread or runtime waits for the ring's descriptor.
    ///
    /// # Errors
    ///
    /// `Unsupported` with [`Lacking`](crate::Lacking), of a kernel without
    /// `CONFIG_NET_RX_BUSY_POLL`, on rings that poll their devices, on the fallback, and in a
    /// forked child.
    ///
    /// # Kernel
    ///
    /// Linux 6.9.
    pub fn set_napi(&self, napi: Napi) -> io::Result<Option<Napi>> {
        let mut settings = napi.settings();
        let set = self.ask(REGISTER_NAPI, |ring| register_napi(ring, &mut settings));
        set.map_err(|error| match (error.raw_os_error(), napi.tracking) {
            (Some(libc::EINVAL), NapiTracking::Static) => {
                Lacking::part("IO_URING_NAPI_TRACKING_STATIC", (6, 13)).into()
            }
            (Some(libc::EOPNOTSUPP | libc::EINVAL), _) => io::Error::new(
                io::ErrorKind::Unsupported,
                "this kernel, or this ring, does not poll network cards: it takes a kernel with \
                 CONFIG_NET_RX_BUSY_POLL, and a ring that does not poll its devices",
            ),
            _ => error,
        })?;
        Ok(Napi::of(settings))
    }

    /// Ends the polling, and yields what was set.
    ///
    /// # Errors
    ///
    /// As [`set_napi`](Registrar::set_napi).
    ///
    /// # Kernel
    ///
    /// Linux 6.9.
    pub fn clear_napi(&self) -> io::Result<Option<Napi>> {
        self.ask(UNREGISTER_NAPI, |ring| {
            // Taken back, it does not say how it has tracked; changed, it does.
            let mut settings = Settings::default();
            register_napi(ring, &mut settings)?;
            unregister_napi(ring)?;
            Ok(Napi::of(settings))
        })
    }

    /// Has the queue with this number polled (`SO_INCOMING_NAPI_ID` of a socket), where the kernel
    /// [is told each](NapiTracking::Static).
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a number that no queue can have, and where the kernel tracks by itself;
    /// `AlreadyExists` where it is polled already; else as [`set_napi`](Registrar::set_napi).
    ///
    /// # Kernel
    ///
    /// Linux 6.13.
    pub fn add_napi_queue(&self, number: u32) -> io::Result<()> {
        self.change_queue(NAPI_ADD_ID, number)
    }

    /// Has the queue with this number polled no longer.
    ///
    /// # Errors
    ///
    /// `NotFound` where it is not; else as [`add_napi_queue`](Registrar::add_napi_queue).
    ///
    /// # Kernel
    ///
    /// Linux 6.13.
    pub fn remove_napi_queue(&self, number: u32) -> io::Result<()> {
        self.change_queue(NAPI_DELETE_ID, number)
    }

    fn change_queue(&self, opcode: u8, number: u32) -> io::Result<()> {
        let mut settings = Settings { opcode, parameter: number, ..Settings::default() };
        self.ask(REGISTER_NAPI, |ring| {
            register_napi(ring, &mut settings).map_err(|error| match error.raw_os_error() {
                // Not to be mistaken for a ring that is bound to another thread.
                Some(libc::EEXIST) => {
                    io::Error::new(io::ErrorKind::AlreadyExists, "that queue is polled already")
                }
                _ => error,
            })
        })
    }
}
