//! What is asked for: how many rounds, from which seed, of which rows.

/// Seed of a run that names none: the same each time, so that a red build is red again.
const SEED: u64 = 1;

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Rounds of each row.
    pub(crate) rounds: u32,
    /// Decides, with the row and the round, when and where it breaks.
    pub(crate) seed: u64,
    /// Rows whose names contain this.
    pub(crate) fault: String,
    /// Whether faults last as long as real ones: minutes where the short run takes seconds.
    pub(crate) is_long: bool,
}

impl Plan {
    /// From `FAULTS_ROUNDS`, `FAULTS_SEED` and `FAULTS_ROWS`, which `make faults` sets; with rounds the run is a long one.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn from_environment() -> Self {
        let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let number = |name| text(name).map(|value| value.parse::<u64>().unwrap_or_else(|_| panic!("{name}={value}")));
        Self {
            rounds: number("FAULTS_ROUNDS").map_or(1, |rounds| u32::try_from(rounds).unwrap()),
            seed: number("FAULTS_SEED").unwrap_or(SEED),
            fault: text("FAULTS_ROWS").unwrap_or_default(),
            is_long: text("FAULTS_ROUNDS").is_some(),
        }
    }

    /// The seed of one round of one row: the same for the same three.
    pub(crate) fn seed_of(&self, row: &str, round: u32) -> u64 {
        // FNV-1a, so that a row keeps its seed when others come and go.
        let bytes = row.bytes().chain(self.seed.to_le_bytes()).chain(round.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    }
}
