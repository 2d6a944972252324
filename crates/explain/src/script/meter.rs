//! The memory that the parser has in use, counted where it asks for it.
//!
//! The parser says how far it is and not what it holds: a text of four megabytes takes some hundred
//! megabytes if it is an honest one, and gigabytes if every bracket of it can be read in two ways.
//! So every thread counts what tree-sitter asks for on it.

#![allow(unsafe_code, reason = "an allocator for C is raw memory")]

use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error, realloc};
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Once;

/// Bytes in front of what is handed out, in which its size stands. They keep the alignment that C's
/// own `malloc` gives.
const HEADER: usize = 16;

thread_local! {
    static IN_USE: Cell<usize> = const { Cell::new(0) };
    #[cfg(test)]
    static MOST: Cell<usize> = const { Cell::new(0) };
}

/// Makes tree-sitter ask here for memory. To be called before anything else of it, as what was
/// handed out before could not be freed.
pub(super) fn install() {
    static ONCE: Once = Once::new();
    // SAFETY: the four functions keep the contract of C's; nothing of tree-sitter was used before,
    // and no other code uses it.
    ONCE.call_once(|| unsafe { tree_sitter::set_allocator(Some(malloc), Some(calloc), Some(resize), Some(free)) });
}

/// Bytes that tree-sitter has in use on this thread.
pub(super) fn in_use() -> usize {
    IN_USE.with(Cell::get)
}

/// The most that it had in use on this thread.
#[cfg(test)]
pub(super) fn most() -> usize {
    MOST.with(Cell::get)
}

fn count(more: usize, less: usize) {
    // A thread that ends has no count, and nothing of the parser is left on it.
    let _ = IN_USE.try_with(|used| used.set(used.get().wrapping_add(more).wrapping_sub(less)));
    #[cfg(test)]
    let _ = MOST.try_with(|most| most.set(most.get().max(in_use())));
}

/// The block that holds `size` bytes behind its header. The program ends if no such block can be,
/// as in tree-sitter's own allocator.
fn layout(size: usize) -> Layout {
    let whole = size.checked_add(HEADER).and_then(|whole| Layout::from_size_align(whole, HEADER).ok());
    whole.unwrap_or_else(|| handle_alloc_error(Layout::new::<[u8; HEADER]>()))
}

/// Writes the header of a new block and gives what is behind it.
///
/// # Safety
/// `block` is null or was allocated with `layout`.
unsafe fn hand_out(block: *mut u8, layout: Layout) -> *mut c_void {
    if block.is_null() {
        handle_alloc_error(layout);
    }
    count(layout.size(), 0);
    // SAFETY: the block has at least HEADER bytes and a usize fits into them.
    unsafe {
        block.cast::<usize>().write_unaligned(layout.size());
        block.add(HEADER).cast()
    }
}

/// The block of what was handed out.
///
/// # Safety
/// `memory` was handed out by `hand_out` and not freed.
unsafe fn block_of(memory: *mut c_void) -> (*mut u8, Layout) {
    // SAFETY: HEADER bytes stand in front of what is handed out, and its size in them.
    unsafe {
        let block = memory.cast::<u8>().sub(HEADER);
        let size = block.cast::<usize>().read_unaligned();
        count(0, size);
        (block, Layout::from_size_align_unchecked(size, HEADER))
    }
}

unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    let layout = layout(size);
    // SAFETY: the layout is not empty.
    unsafe { hand_out(alloc(layout), layout) }
}

unsafe extern "C" fn calloc(number: usize, size: usize) -> *mut c_void {
    let layout = layout(number.saturating_mul(size));
    // SAFETY: the layout is not empty.
    unsafe { hand_out(alloc_zeroed(layout), layout) }
}

unsafe extern "C" fn resize(memory: *mut c_void, size: usize) -> *mut c_void {
    if memory.is_null() {
        // SAFETY: as C has it, to resize nothing is to allocate.
        return unsafe { malloc(size) };
    }
    let new = layout(size);
    // SAFETY: tree-sitter resizes what it was given here; the block has the layout that its header
    // says.
    unsafe {
        let (block, old) = block_of(memory);
        hand_out(realloc(block, old, new.size()), new)
    }
}

unsafe extern "C" fn free(memory: *mut c_void) {
    if memory.is_null() {
        return;
    }
    // SAFETY: tree-sitter frees what it was given here, once.
    unsafe {
        let (block, layout) = block_of(memory);
        dealloc(block, layout);
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::null_mut;

    use super::*;

    #[test]
    fn what_is_asked_for_is_counted_until_it_is_freed() {
        let before = in_use();
        // SAFETY: each is freed once, and nothing is read beyond what was asked for.
        unsafe {
            let first = malloc(100);
            assert_eq!(in_use() - before, 100 + HEADER);
            first.cast::<u8>().write(7);
            let first = resize(first, 1000);
            assert_eq!((in_use() - before, first.cast::<u8>().read()), (1000 + HEADER, 7));
            let second = calloc(10, 10);
            assert_eq!(second.cast::<u8>().add(99).read(), 0);
            assert_eq!(second.addr() % HEADER, 0);
            free(first);
            free(second);
            free(null_mut());
            free(resize(null_mut(), 1));
        }
        assert_eq!(in_use(), before);
    }
}
