//! System calls that fail, for processes of their own.
#![allow(unsafe_code)]
#![allow(dead_code, reason = "no scenario needs all of it")]

/// The calls that a ring needs.
pub(crate) const SETUP: u32 = libc::SYS_io_uring_setup as u32;
pub(crate) const ENTER: u32 = libc::SYS_io_uring_enter as u32;
pub(crate) const REGISTER: u32 = libc::SYS_io_uring_register as u32;

fn instruction(code: u32, jump_if: u8, value: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: jump_if, jf: 0, k: value }
}

/// From now on `call` fails with `errno`, in every thread of this process, for ever.
pub(crate) fn forbid(call: u32, errno: i32) {
    let mut program = [
        // The number of the call is the first word of what a filter is shown.
        instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0),
        instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, call),
        instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW),
        instruction(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
    ];
    let filter = libc::sock_fprog { len: 4, filter: program.as_mut_ptr() };
    // SAFETY: the call names no memory.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    // SAFETY: the filter and its program live until the call returns.
    let installed = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            libc::SECCOMP_FILTER_FLAG_TSYNC,
            &raw const filter,
        )
    };
    assert_eq!(installed, 0, "seccomp: {}", std::io::Error::last_os_error());
}
