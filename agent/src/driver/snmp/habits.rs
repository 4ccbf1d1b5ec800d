//! What the walks of a table taught of a device's answers, and how many rows are asked for because of it.
//!
//! Three things bound a request: what fits a datagram that no radio link fragments, what the device once called too
//! big, and what it once answered with silence. The last is believed for a while only: a device that was down is as
//! silent as one that choked.

/// Bytes that an answer should not exceed: below the usual path MTU, because IP fragments get lost on radio links.
const LARGEST_ANSWER: usize = 1_400;
/// Rows asked of a device whose answers were never seen: about that size for nine columns.
const FIRST_ROWS: u32 = 6;
/// Most rows of one request.
const MOST_ROWS_PER_REQUEST: u32 = 64;
/// Walks without a silence after which twice as many rows are tried again.
const CALM_WALKS: u8 = 10;

/// What the last walk taught of a device's answers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Habits {
    /// Bytes that a binding takes, times 16: a mean.
    binding_sixteenths: usize,
    /// Bytes beside the rows.
    envelope: usize,
    /// Rows that the table had.
    rows: usize,
    /// Rows that the device once found too big for one answer, halved.
    most_rows: u32,
    /// Rows to which the device once was silent, halved; grows again.
    silent_rows: u32,
    /// The last walk met silence at its first request: the next one begins with a single row.
    doubt: bool,
    /// Walks since the last silence.
    calm: u8,
}

impl Habits {
    pub(super) const UNKNOWN: Self = Self {
        binding_sixteenths: 0,
        envelope: 0,
        rows: 0,
        most_rows: MOST_ROWS_PER_REQUEST,
        silent_rows: MOST_ROWS_PER_REQUEST,
        doubt: false,
        calm: 0,
    };

    /// As [`Habits::UNKNOWN`], of a device known to take no more than `most` rows.
    pub(super) fn at_most(most: u32) -> Self {
        Self { most_rows: most.clamp(1, MOST_ROWS_PER_REQUEST), ..Self::UNKNOWN }
    }

    /// How many rows of `columns` to ask for when `taken` are known already: what fits, and no more than the table is
    /// believed to have, with one beyond it that shows the end.
    pub(super) fn rows_to_ask(&self, columns: usize, taken: usize) -> u32 {
        if self.doubt {
            return 1;
        }
        let fit = match self.binding_sixteenths * columns {
            0 => FIRST_ROWS,
            row => u32::try_from(LARGEST_ANSWER.saturating_sub(self.envelope) * 16 / row).unwrap_or(u32::MAX),
        };
        let left = (self.rows + 1).saturating_sub(taken);
        let wanted =
            if self.rows == 0 || left == 0 { u32::MAX } else { u32::try_from(left).unwrap_or(u32::MAX) };
        fit.min(wanted).clamp(1, self.most_rows.min(self.silent_rows))
    }

    /// The most that one request may ask for, whatever fits.
    pub(super) fn most(&self) -> usize {
        usize::try_from(self.most_rows.min(self.silent_rows)).unwrap_or(usize::MAX)
    }

    /// An answer came: `message` bytes, of which `rows` were `bindings` of rows.
    pub(super) fn learn(&mut self, message: usize, rows: usize, bindings: usize) {
        self.doubt = false;
        if let Some(mean) = (rows * 16).checked_div(bindings) {
            self.binding_sixteenths = mean;
            self.envelope = message.saturating_sub(rows);
        }
    }

    /// The device found so many rows too big for one answer. False when it could not be asked for fewer.
    pub(super) fn too_big(&mut self, repetitions: u32) -> bool {
        self.most_rows = (repetitions / 2).max(1);
        repetitions > 1
    }

    /// The device was silent to so many rows. False when it could not be asked for fewer.
    pub(super) fn silent(&mut self, repetitions: u32) -> bool {
        self.calm = 0;
        if repetitions > 1 {
            self.silent_rows = (repetitions / 2).max(1);
        }
        repetitions > 1
    }

    /// The device was silent to the first request of a walk: it choked, or it is down, and its next answer tells.
    pub(super) fn silent_from_the_start(&mut self, repetitions: u32) {
        self.silent(repetitions);
        self.doubt = true;
    }

    /// A walk came to its end after so many rows.
    pub(super) fn ended(&mut self, rows: usize) {
        self.rows = rows;
        self.calm += 1;
        if self.calm >= CALM_WALKS {
            self.calm = 0;
            self.silent_rows = (self.silent_rows * 2).min(MOST_ROWS_PER_REQUEST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_asked_by_what_fits_and_what_is_left() {
        let mut habits = Habits::UNKNOWN;
        assert_eq!(habits.rows_to_ask(9, 0), FIRST_ROWS);
        // 54 bindings in 1,080 bytes: 20 bytes each, 180 a row.
        habits.learn(1_150, 1_080, 54);
        assert_eq!(habits.rows_to_ask(9, 6), 7);
        habits.ended(24);
        assert_eq!(habits.rows_to_ask(9, 0), 7);
        assert_eq!(habits.rows_to_ask(9, 21), 4);
        // The table grew: as many as fit again.
        assert_eq!(habits.rows_to_ask(9, 25), 7);
        assert!(habits.too_big(7));
        assert_eq!(habits.rows_to_ask(9, 0), 3);
        habits.learn(5_000, 4_000, 1);
        assert_eq!(habits.rows_to_ask(9, 0), 1);
        assert!(!habits.too_big(1));
        assert_eq!(Habits::at_most(0).rows_to_ask(9, 0), 1);
    }

    #[test]
    fn silence_halves_and_calm_doubles_again() {
        let mut habits = Habits::UNKNOWN;
        habits.learn(120, 20, 1);
        assert_eq!(habits.rows_to_ask(1, 0), 64);
        assert!(habits.silent(64) && habits.silent(32));
        assert_eq!(habits.rows_to_ask(1, 0), 16);
        for _ in 0..CALM_WALKS {
            habits.ended(0);
        }
        assert_eq!(habits.rows_to_ask(1, 0), 32);
        assert!(!habits.silent(1));
    }

    #[test]
    fn a_device_that_was_down_is_asked_gently_once_and_not_for_ever() {
        let mut habits = Habits::UNKNOWN;
        habits.learn(120, 20, 1);
        habits.silent_from_the_start(64);
        for _ in 0..100 {
            assert_eq!(habits.rows_to_ask(1, 0), 1);
            habits.silent_from_the_start(1);
        }
        habits.learn(120, 20, 1);
        assert_eq!(habits.rows_to_ask(1, 0), 32);
    }
}
