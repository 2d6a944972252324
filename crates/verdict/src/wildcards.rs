//! What it costs to match a path against patterns as git has them, told before it is done: the
//! matcher itself cannot be stopped.

/// The lines of attribute or ignore files, by the `**` in them.
#[derive(Debug, Clone, Default)]
pub struct Wildcards {
    /// How many lines have no `**`, one, two and so on.
    lines: Vec<u64>,
}

impl Wildcards {
    /// Counts a line.
    pub fn add(&mut self, line: &[u8]) {
        let deep = line.windows(2).filter(|two| *two == b"**").count();
        if self.lines.len() <= deep {
            self.lines.resize(deep + 1, 0);
        }
        if let Some(number) = self.lines.get_mut(deep) {
            *number += 1;
        }
    }

    /// The most that it takes to match a path, in bytes looked at. Each `**` is tried in every
    /// folder, and in each with all that follows. A `*` is not: where what follows is nowhere in
    /// its folder, the matcher gives up.
    pub fn cost(&self, path: &str) -> u64 {
        let [length, folders] = [path.len(), path.matches('/').count() + 2].map(|number| u64::try_from(number).unwrap_or(u64::MAX));
        let (mut each, mut sum) = (length, 0_u64);
        for number in &self.lines {
            sum = sum.saturating_add(number.saturating_mul(each));
            each = each.saturating_mul(folders);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_wildcards_multiply_with_the_folders_and_stars_do_not() {
        let cost = |line: &str, path: &str| {
            let mut wildcards = Wildcards::default();
            wildcards.add(line.as_bytes());
            wildcards.cost(path)
        };
        assert_eq!(cost("*a*b*c", "x/y/z"), 5);
        assert_eq!(cost("**/a", "x/y/z"), 20);
        assert_eq!(cost("**/a/**/b", "x/y/z"), 80);
        assert_eq!(cost(&"**/".repeat(600), &"x/".repeat(600)), u64::MAX);
    }
}
