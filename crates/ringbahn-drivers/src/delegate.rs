//! [`Delegate`]: drivers that are made of shared ones, and drive as these do.

use ringbahn_core::CancelTarget;

use crate::SharedDriver;

/// A driver that is made of shared ones.
pub(crate) trait Delegate {
    /// The one that a submission of the calling thread goes to. It is the same one for the length
    /// of a poll, in which an operation is prepared and then submitted.
    fn driver(&self) -> &SharedDriver;

    /// The one whose ring has `target`, if any.
    fn driver_of(&self, target: &CancelTarget) -> Option<&SharedDriver>;
}

/// Writes what a [`Delegate`] drives by, for its handles and for borrowed ones.
macro_rules! drive_by_delegate {
    ($($(#[$doc:meta])* $driver:ty;)*) => {$(
        $(#[$doc])*
        impl ::ringbahn_core::Drive for $driver {
            type Sharing = ::ringbahn_core::Shared;

            fn poll_prepare<'cx>(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'cx>,
                count: u32,
                prepare: impl FnOnce(
                    ::ringbahn_core::Reservation<'_>,
                    &mut ::std::task::Context<'cx>,
                ) -> ::ringbahn_core::Completion<'cx>,
            ) -> ::std::task::Poll<::std::io::Result<::ringbahn_core::Completion<'cx>>> {
                let mut driver = $crate::delegate::Delegate::driver(&*self);
                ::std::pin::Pin::new(&mut driver).poll_prepare(cx, count, prepare)
            }

            fn attempt<'a>(
                self: ::std::pin::Pin<&mut Self>,
                attempt: ::ringbahn_core::Attempt<'a>,
            ) -> Option<::ringbahn_core::Served<'a>> {
                let mut driver = $crate::delegate::Delegate::driver(&*self);
                ::std::pin::Pin::new(&mut driver).attempt(attempt)
            }

            fn poll_submit(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<u32>> {
                let mut driver = $crate::delegate::Delegate::driver(&*self);
                ::std::pin::Pin::new(&mut driver).poll_submit(cx)
            }

            fn cancel(
                self: ::std::pin::Pin<&mut Self>,
                target: ::ringbahn_core::CancelTarget,
            ) {
                // What is in none of the rings is not in flight on this driver.
                if let Some(mut driver) =
                    $crate::delegate::Delegate::driver_of(&*self, &target)
                {
                    ::std::pin::Pin::new(&mut driver).cancel(target);
                }
            }
        }
    )*};
}

pub(crate) use drive_by_delegate;

impl<D: Delegate> Delegate for &D {
    fn driver(&self) -> &SharedDriver {
        (**self).driver()
    }

    fn driver_of(&self, target: &CancelTarget) -> Option<&SharedDriver> {
        (**self).driver_of(target)
    }
}
