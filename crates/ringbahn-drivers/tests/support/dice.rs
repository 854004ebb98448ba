//! A small generator of numbers that look random: the seed tells the whole run.
#![allow(dead_code, reason = "no scenario needs all of it")]

pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of the player of this number. `RINGBAHN_STRESS_SEED` makes a run like a former one.
    pub(crate) fn new(number: u64) -> Dice {
        let seed = std::env::var("RINGBAHN_STRESS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed: u64 = seed.unwrap_or_else(|| std::process::id().into());
        println!("RINGBAHN_STRESS_SEED={seed}");
        Dice((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number)
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }
}

/// How many operations a random scenario plays: 10 000 unless `RINGBAHN_STRESS_OPERATIONS` says
/// more, or fewer.
pub(crate) fn operations() -> u64 {
    let told = std::env::var("RINGBAHN_STRESS_OPERATIONS").ok();
    told.and_then(|number| number.parse().ok()).unwrap_or(10_000)
}
