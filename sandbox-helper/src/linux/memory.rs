//! What a process that waits for an answer has in its memory. It can change that at any time: what
//! is read here is never read a second time.

use std::io;

/// Longest path, as the kernel has it.
const PATH: usize = 4096;
/// No page of any machine is smaller, so that a piece that ends with one is there or not.
const PAGE: u64 = 4096;

/// Fills `bytes` from an address of the process. An error where not all of it can be read.
pub fn read(task: u32, address: u64, bytes: &mut [u8]) -> io::Result<()> {
    let fault = || io::Error::from_raw_os_error(libc::EFAULT);
    let here = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let address = std::ptr::without_provenance_mut(usize::try_from(address).map_err(|_| fault())?);
    let there = libc::iovec { iov_base: address, iov_len: bytes.len() };
    let task = libc::pid_t::try_from(task).map_err(io::Error::other)?;
    // SAFETY: the kernel writes at most as many bytes as `bytes` has; the other address is checked
    // by it against the other process.
    let read = unsafe { libc::process_vm_readv(task, &raw const here, 1, &raw const there, 1, 0) };
    match usize::try_from(read) {
        Err(_) => Err(io::Error::last_os_error()),
        Ok(read) if read == bytes.len() => Ok(()),
        Ok(_) => Err(fault()),
    }
}

/// The text at an address, up to its NUL.
pub fn text(task: u32, address: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut at = address;
    while text.len() < PATH {
        let mut piece = vec![0; usize::try_from(PAGE - at % PAGE).map_err(io::Error::other)?];
        read(task, at, &mut piece)?;
        let end = piece.iter().position(|&byte| byte == 0);
        text.extend(piece.drain(..end.unwrap_or(piece.len())));
        if end.is_some() && text.len() < PATH {
            return Ok(text);
        }
        at = at.saturating_add(PAGE - at % PAGE);
    }
    Err(io::Error::from_raw_os_error(libc::ENAMETOOLONG))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_its_nul_and_no_later_than_a_path() {
        let of = |bytes: &[u8]| text(std::process::id(), bytes.as_ptr().addr() as u64);
        assert_eq!(of(b"/a/b\0c").unwrap(), b"/a/b");
        assert_eq!(of(b"\0").unwrap(), b"");
        let mut long = vec![b'a'; PATH * 3];
        assert_eq!(of(&long).unwrap_err().raw_os_error(), Some(libc::ENAMETOOLONG));
        long[PATH - 1] = 0;
        assert_eq!(of(&long).unwrap().len(), PATH - 1);
        assert_eq!(text(std::process::id(), 8).unwrap_err().raw_os_error(), Some(libc::EFAULT));
    }
}
