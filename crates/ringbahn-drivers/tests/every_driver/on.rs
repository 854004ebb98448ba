//! Makes the tests of a scene: one for each driver.

/// `on_every_driver!(name, scene)`: the module `name`, with a test of `scene` for each driver.
macro_rules! on_every_driver {
    ($name:ident, $scene:ident) => {
        on_drivers! {
            $name, $scene;
            on_the_shared_driver: Shared<false>;
            on_the_shared_driver_upon_the_fallback: Shared<true>;
            on_the_local_driver: Local<false>;
            on_the_local_driver_upon_the_fallback: Local<true>;
            on_the_hosted_driver_in_tokio_of_one_thread: Tokio<0>;
            on_the_hosted_driver_in_tokio_of_two_threads: Tokio<2>;
            on_the_hosted_driver_on_async_io: Smol;
            on_the_sharded_driver: Sharded;
            on_the_sqpoll_driver: Sqpoll;
        }
    };
}

/// The same for those whose futures may leave the thread.
macro_rules! on_every_driver_that_threads_share {
    ($name:ident, $scene:ident) => {
        on_drivers! {
            $name, $scene;
            on_the_shared_driver: Shared<false>;
            on_the_shared_driver_upon_the_fallback: Shared<true>;
            on_the_hosted_driver_in_tokio_of_one_thread: Tokio<0>;
            on_the_hosted_driver_in_tokio_of_two_threads: Tokio<2>;
            on_the_hosted_driver_on_async_io: Smol;
            on_the_sharded_driver: Sharded;
            on_the_sqpoll_driver: Sqpoll;
        }
    };
}

/// The same for those that enter the kernel, with its calls tampered with where `$tampering` says
/// how.
macro_rules! on_every_ring {
    ($name:ident, $scene:ident $(, $tampering:literal)?) => {
        on_drivers! {
            $name, $scene $(, $tampering)?;
            on_the_shared_driver: Shared<false>;
            on_the_local_driver: Local<false>;
            on_the_hosted_driver_in_tokio_of_one_thread: Tokio<0>;
            on_the_hosted_driver_in_tokio_of_two_threads: Tokio<2>;
            on_the_hosted_driver_on_async_io: Smol;
            on_the_sharded_driver: Sharded;
            on_the_sqpoll_driver: Sqpoll;
        }
    };
}

macro_rules! on_drivers {
    ($name:ident, $scene:ident $(, $tampering:literal)?; $($test:ident: $home:ty;)*) => {
        mod $name {
            use crate::home::*;

            const TAMPERING: &[&str] = &[$($tampering)?];

            $(#[test]
            fn $test() {
                let path = concat!(module_path!(), "::", stringify!($test));
                crate::on::in_child(path, TAMPERING, super::$scene::<$home>);
            })*
        }
    };
}

/// `on_the_iopoll_driver!(name, scene)`: a test of a scene that is made for that driver.
macro_rules! on_the_iopoll_driver {
    ($name:ident, $scene:ident) => {
        #[test]
        fn $name() {
            crate::on::in_child(concat!(module_path!(), "::", stringify!($name)), &[], $scene);
        }
    };
}

/// Runs `scene` in a process of its own, in bounded time, with the name that the test has in this
/// program.
#[track_caller]
pub(crate) fn in_child(path: &'static str, tampering: &[&str], scene: fn(&'static str)) {
    let (_program, test) = path.split_once("::").unwrap();
    let in_time = move || crate::local::in_time(move || scene(test));
    match tampering {
        [] => crate::scene::in_child(test, in_time),
        [tampering, ..] => crate::scene::in_child_with_enters(tampering, test, in_time),
    }
}
