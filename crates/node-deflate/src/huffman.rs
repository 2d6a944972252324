//! Code lengths from symbol counts, limited in length, and the canonical codes of those lengths.
//!
//! Several sets of lengths are equally short; which one comes out depends on how the heap breaks
//! ties and on how too long codes are shortened. Both follow zlib's rules: that is what makes the
//! block headers equal.

#![allow(
    clippy::indexing_slicing,
    reason = "symbols and nodes are below the sizes of the arrays by construction: at most 286 leaves and 285 inner \
              nodes; checked by the comparison with zlib over generated inputs"
)]
#![allow(clippy::cast_possible_truncation, reason = "node numbers are below 573, depths below 256 and counts at most 16384")]

use super::tables::{Code, LITERAL_CODES, MAX_BITS};

/// Leaves and inner nodes of the largest tree, and the heap's unused place 0.
const NODES: usize = 2 * LITERAL_CODES + 1;

/// Lengths for one alphabet.
pub(super) struct Lengths<const N: usize> {
    /// The code length of each symbol in bits, 0 for those that do not occur.
    pub(super) len: [u8; N],
    /// The last symbol that has a code.
    pub(super) last: usize,
}

/// A min-heap of tree nodes. A node's key is its count, then its depth: equal keys do not move.
struct Heap {
    node: [u16; NODES],
    len: usize,
    key: [u32; NODES],
}

impl Heap {
    fn sift_down(&mut self, mut at: usize) {
        let node = self.node[at];
        let key = self.key[usize::from(node)];
        loop {
            let mut child = 2 * at;
            if child > self.len {
                break;
            }
            if child < self.len && self.key_at(child + 1) <= self.key_at(child) {
                child += 1;
            }
            if key <= self.key_at(child) {
                break;
            }
            self.node[at] = self.node[child];
            at = child;
        }
        self.node[at] = node;
    }

    fn key_at(&self, at: usize) -> u32 {
        self.key[usize::from(self.node[at])]
    }

    fn push_leaf(&mut self, symbol: usize, count: u16) {
        self.len += 1;
        self.node[self.len] = symbol as u16;
        self.key[symbol] = key(u32::from(count), 0);
    }
}

fn key(count: u32, depth: u32) -> u32 {
    (count << 8) | depth
}

/// The shortest code lengths of at most `limit` bits for symbols that occur `count` times.
pub(super) fn lengths<const N: usize>(count: &[u16; N], limit: usize) -> Lengths<N> {
    let mut heap = Heap { node: [0; NODES], len: 0, key: [0; NODES] };
    let mut last = None;
    for (symbol, &count) in count.iter().enumerate() {
        if count != 0 {
            heap.push_leaf(symbol, count);
            last = Some(symbol);
        }
    }
    // A code of fewer than two symbols confuses old decoders: unused ones are added, the lowest
    // that are free.
    while heap.len < 2 {
        let symbol = match last {
            Some(symbol) if symbol < 2 => symbol + 1,
            _ => 0,
        };
        last = last.max(Some(symbol));
        heap.push_leaf(symbol, 1);
    }

    let (order, parent) = merge(&mut heap, N);
    let mut len = [0; N];
    assign(&order, &parent, limit, &mut len);
    Lengths { len, last: last.unwrap_or(0) }
}

/// The nodes by increasing key, the root last, and how many they are.
struct Order {
    node: [u16; NODES],
    len: usize,
}

/// Joins the two rarest nodes until one is left. Inner nodes are numbered from `leaves`.
fn merge(heap: &mut Heap, leaves: usize) -> (Order, [u16; NODES]) {
    for at in (1..=heap.len / 2).rev() {
        heap.sift_down(at);
    }
    let mut order = Order { node: [0; NODES], len: 0 };
    let mut parent = [0; NODES];
    let mut inner = leaves;
    while heap.len >= 2 {
        let first = heap.node[1];
        heap.node[1] = heap.node[heap.len];
        heap.len -= 1;
        heap.sift_down(1);
        let second = heap.node[1];

        for node in [first, second] {
            order.node[order.len] = node;
            order.len += 1;
            parent[usize::from(node)] = inner as u16;
        }
        let (a, b) = (heap.key[usize::from(first)], heap.key[usize::from(second)]);
        let depth = (a & 0xff).max(b & 0xff) + 1;
        heap.key[inner] = key((a >> 8) + (b >> 8), depth);
        heap.node[1] = inner as u16;
        heap.sift_down(1);
        inner += 1;
    }
    order.node[order.len] = heap.node[1];
    order.len += 1;
    (order, parent)
}

/// Walks down from the root; where the tree is deeper than `limit`, moves leaves until the lengths
/// fit.
fn assign(order: &Order, parent: &[u16; NODES], limit: usize, len: &mut [u8]) {
    let mut depth = [0_u8; NODES];
    let mut leaves_at = [0_usize; MAX_BITS + 1];
    let mut too_deep = 0_usize;
    for &node in order.node[..order.len - 1].iter().rev() {
        let node = usize::from(node);
        let mut bits = usize::from(depth[usize::from(parent[node])]) + 1;
        if bits > limit {
            bits = limit;
            // Inner nodes count as well: that is zlib's measure of how much there is to move.
            too_deep += 1;
        }
        depth[node] = bits as u8;
        if let Some(len) = len.get_mut(node) {
            *len = bits as u8;
            leaves_at[bits] += 1;
        }
    }
    if too_deep == 0 {
        return;
    }
    while too_deep > 0 {
        let mut bits = limit - 1;
        while leaves_at[bits] == 0 {
            bits -= 1;
        }
        leaves_at[bits] -= 1;
        leaves_at[bits + 1] += 2;
        leaves_at[limit] -= 1;
        too_deep = too_deep.saturating_sub(2);
    }
    let mut rarest = order.node[..order.len].iter().map(|&node| usize::from(node));
    for bits in (1..=limit).rev() {
        let mut left = leaves_at[bits];
        while left > 0 {
            let Some(node) = rarest.next() else { return };
            if let Some(len) = len.get_mut(node) {
                *len = bits as u8;
                left -= 1;
            }
        }
    }
}

/// The canonical codes of the given lengths.
pub(super) fn codes<const N: usize>(len: &[u8; N]) -> [Code; N] {
    let mut count = [0_u16; MAX_BITS + 1];
    for &len in len {
        count[usize::from(len)] += 1;
    }
    count[0] = 0;
    let mut next = [0_u16; MAX_BITS + 1];
    let mut code = 0_u16;
    for bits in 1..=MAX_BITS {
        code = (code + count[bits - 1]) << 1;
        next[bits] = code;
    }
    let mut codes = [Code::default(); N];
    for (code, &len) in codes.iter_mut().zip(len) {
        if len > 0 {
            let next = &mut next[usize::from(len)];
            *code = Code { bits: next.reverse_bits() >> (16 - u32::from(len)), len };
            *next += 1;
        }
    }
    codes
}
