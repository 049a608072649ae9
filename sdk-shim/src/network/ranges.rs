//! Sets of numbers, kept as ranges: addresses and ports.

use std::collections::BinaryHeap;

/// A set of numbers. What is in it does not depend on how it was put together: two halves are the whole.
///
/// ```
/// use palisade_sdk::network::Ranges;
/// let halves = Ranges::of([(0, 127), (128, 255)]);
/// assert_eq!(halves, Ranges::of([(0, 255)]));
/// assert!(!halves.without(&Ranges::of([(10, 10)])).covers(0, 255));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    /// The numbers of all these ranges, each given by its first and last; one that ends before it begins is empty.
    pub fn of(ranges: impl IntoIterator<Item = (u128, u128)>) -> Self {
        let heap: BinaryHeap<(u128, u128)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        let mut merged: Vec<(u128, u128)> = Vec::new();
        for (first, last) in heap.into_sorted_vec() {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The ranges, in order; no two of them overlap or touch.
    pub fn iter(&self) -> impl Iterator<Item = (u128, u128)> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers are in it; all 2^128 count as one less.
    pub fn count(&self) -> u128 {
        self.iter().fold(0, |count: u128, (first, last)| count.saturating_add((last - first).saturating_add(1)))
    }

    /// Whether every number of the range is in it.
    pub fn covers(&self, first: u128, last: u128) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= first);
        after.checked_sub(1).and_then(|place| self.0.get(place)).is_some_and(|(_, end)| last <= *end)
    }

    /// Whether some number of the range is in it.
    pub fn meets(&self, first: u128, last: u128) -> bool {
        let after = self.0.partition_point(|(_, end)| *end < first);
        self.0.get(after).is_some_and(|(start, _)| *start <= last)
    }

    /// What is in one of the two.
    pub fn with(&self, other: &Self) -> Self {
        Self::of(self.iter().chain(other.iter()))
    }

    /// What is in this one, and not in the other.
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut holes = other.0.as_slice();
        for (mut first, last) in self.iter() {
            let mut is_used_up = false;
            while let Some(&(from, to)) = holes.first() {
                if to < first {
                    holes = holes.get(1..).unwrap_or_default();
                    continue;
                }
                if from > last {
                    break;
                }
                if first < from {
                    left.push((first, from - 1));
                }
                if to >= last {
                    is_used_up = true;
                    break;
                }
                first = to + 1;
            }
            if !is_used_up {
                left.push((first, last));
            }
        }
        Self(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A small universe at both ends of the numbers, where sums overflow.
    fn number() -> impl Strategy<Value = u128> {
        prop_oneof![0..12u128, (u128::MAX - 11)..=u128::MAX]
    }

    fn universe() -> impl Iterator<Item = u128> {
        (0..12).chain(u128::MAX - 11..=u128::MAX)
    }

    fn ranges() -> impl Strategy<Value = Vec<(u128, u128)>> {
        prop::collection::vec((number(), number()), 0..6)
    }

    fn has(ranges: &[(u128, u128)], number: u128) -> bool {
        ranges.iter().any(|(first, last)| (*first..=*last).contains(&number))
    }

    proptest! {
        #![proptest_config(crate::network::ten_thousand_cases())]

        #[test]
        fn agree_with_asking_number_by_number(left in ranges(), right in ranges(), first in number(), last in number()) {
            let (a, b) = (Ranges::of(left.clone()), Ranges::of(right.clone()));
            let (both, rest) = (a.with(&b), a.without(&b));
            for number in universe() {
                prop_assert_eq!(a.covers(number, number), has(&left, number));
                prop_assert_eq!(a.meets(number, number), has(&left, number));
                prop_assert_eq!(both.covers(number, number), has(&left, number) || has(&right, number));
                prop_assert_eq!(rest.covers(number, number), has(&left, number) && !has(&right, number));
            }
            for set in [&a, &both, &rest] {
                // In order, and apart.
                for pair in set.0.windows(2) {
                    prop_assert!(pair[0].1.saturating_add(1) < pair[1].0, "{:?}", set);
                }
                if first <= last && last - first < 12 {
                    prop_assert_eq!(set.covers(first, last), (first..=last).all(|number| set.covers(number, number)));
                    prop_assert_eq!(set.meets(first, last), (first..=last).any(|number| set.covers(number, number)));
                }
            }
            prop_assert_eq!(a.is_empty(), a.count() == 0);
        }
    }

    #[test]
    fn counts() {
        assert_eq!(Ranges::of([(3, 5), (5, 9), (20, 20)]).count(), 8);
        assert_eq!(Ranges::of([(0, u128::MAX)]).count(), u128::MAX);
        assert_eq!(Ranges::of([(5, 3)]).count(), 0);
    }
}
