//! Where the model cannot know whether a rule matches, the walk asks here which way to go on.

use super::RuleRef;

/// The answers given so far, in the order of the questions.
///
/// A walk is repeated with other answers to see the other ways (`query::trace` does so); with none given it
/// goes on as if the rule had not matched.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choices {
    given: Vec<bool>,
    asked: Vec<RuleRef>,
    dice: Option<u64>,
}

impl Choices {
    /// Choices whose first answers are fixed.
    pub fn new(given: Vec<bool>) -> Self {
        Choices { given, asked: Vec::new(), dice: None }
    }

    /// Choices in which chance is decided: the same for the same seed. Pass [`Choices::dice`] on from packet to
    /// packet.
    pub fn seeded(seed: u64) -> Self {
        Choices { dice: Some(seed), ..Choices::default() }
    }

    /// The seed that goes on after this packet.
    pub fn dice(&self) -> Option<u64> {
        self.dice
    }

    /// 31 bits of chance; `None` where chance is not to be decided (splitmix64, by Steele, Lea and Flood).
    pub fn throw(&mut self) -> Option<u32> {
        let seed = self.dice?.wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.dice = Some(seed);
        let mixed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(((mixed ^ mixed >> 31) >> 33) as u32)
    }

    /// Decides whether to go on as if the rule had matched.
    pub fn choose(&mut self, rule: &RuleRef) -> bool {
        let place = self.asked.len();
        self.asked.push(rule.clone());
        if place == self.given.len() {
            self.given.push(false);
        }
        self.given[place]
    }

    /// The rules that were asked about, each with its answer.
    pub fn made(&self) -> impl Iterator<Item = (&RuleRef, bool)> {
        self.asked.iter().zip(self.given.iter().copied())
    }

    /// The next set of answers, after all that begin with these have been tried; `None` at the end.
    pub fn next(&self) -> Option<Vec<bool>> {
        let mut given = self.given[..self.asked.len()].to_vec();
        while given.pop()? {}
        given.push(true);
        Some(given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netfilter::{ChainName, TableName};

    #[test]
    fn chance_is_the_same_for_the_same_seed() {
        let throws = |seed| {
            let mut choices = Choices::seeded(seed);
            (0..1_000).filter_map(|_| choices.throw()).collect::<Vec<_>>()
        };
        assert_eq!(throws(7), throws(7));
        assert_ne!(throws(7), throws(8));
        let low = throws(7).iter().filter(|n| **n < 1 << 29).count();
        assert!((200..300).contains(&low), "a quarter: {low}");
        assert_eq!(Choices::default().throw(), None);
    }

    #[test]
    fn every_combination_comes_once() {
        let rule = RuleRef { table: TableName::Filter, chain: ChainName::new("INPUT"), index: 0 };
        let mut seen = Vec::new();
        let mut next = Some(Vec::new());
        while let Some(given) = next {
            let mut choices = Choices::new(given);
            // Two questions, the second only if the first was answered with no.
            let first = choices.choose(&rule);
            let second = !first && choices.choose(&rule);
            seen.push((first, second));
            next = choices.next();
        }
        assert_eq!(seen, [(false, false), (false, true), (true, false)]);
    }
}
