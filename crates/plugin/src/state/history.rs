//! What has been, as the account page draws it.

use api::Week;

/// The plot's frame, in the units of its view box: left, top, right, bottom.
const FRAME: (u32, u32, u32, u32) = (34, 12, 330, 112);
/// A curve through fewer weeks with mail says less than their numbers.
const FEWEST: usize = 3;

/// The protected share of the user's mail over the weeks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plot {
    /// The share at the bottom, in per cent.
    pub floor: u32,
    /// The shares that have a line, from the top down.
    pub lines: [u32; 3],
    /// The curve as SVG's path data; it has a gap where there was no mail.
    pub curve: String,
    /// The weeks with mail, oldest first.
    pub points: Vec<Point>,
}

/// A week with mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// The protected share in per cent.
    pub share: u32,
    /// The week.
    pub week: Week,
}

/// The protected share in per cent of what was delivered, if anything was. All and nothing are said only of all and nothing.
pub fn share(week: &Week) -> Option<u32> {
    let (protected, all) =
        (u64::from(week.protected), u64::from(week.protected) + u64::from(week.unprotected));
    let rounded = (protected * 100 + all / 2).checked_div(all)?;
    let share = match protected {
        0 => 0,
        _ if protected == all => 100,
        _ => rounded.clamp(1, 99),
    };
    u32::try_from(share).ok()
}

/// Whether there was any mail in these weeks.
pub fn has_mail(weeks: &[Week]) -> bool {
    weeks.iter().any(|week| week.protected > 0 || week.unprotected > 0 || week.stopped > 0)
}

/// The plot of these weeks, newest first; none where it would say less than their numbers.
pub fn plot(weeks: &[Week]) -> Option<Plot> {
    let shares: Vec<Option<u32>> = weeks.iter().rev().map(share).collect();
    let lowest = shares.iter().flatten().min()?;
    if shares.iter().flatten().count() < FEWEST {
        return None;
    }
    let floor = match lowest {
        80.. => 80,
        50..80 => 50,
        _ => 0,
    };
    let steps = u32::try_from(shares.len() - 1).ok()?;
    let mut points = Vec::new();
    let mut curve = String::new();
    let mut pen = 'M';
    for ((number, week), share) in (0..).zip(weeks.iter().rev()).zip(shares) {
        let Some(share) = share else {
            pen = 'M';
            continue;
        };
        let (x, y) = (FRAME.0 + (FRAME.2 - FRAME.0) * number / steps, height(share, floor));
        curve.push(std::mem::replace(&mut pen, 'L'));
        curve.push_str(&x.to_string());
        curve.push(' ');
        curve.push_str(&y.to_string());
        points.push(Point { x, y, share, week: week.clone() });
    }
    Some(Plot { floor, lines: [100, floor.midpoint(100), floor], curve, points })
}

/// Where a share lies, from the top.
pub fn height(share: u32, floor: u32) -> u32 {
    let (_, top, _, bottom) = FRAME;
    top + (bottom - top) * (100 - share.clamp(floor, 100)) / (100 - floor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn week(protected: u32, unprotected: u32) -> Week {
        Week { monday: "2026-11-23".to_owned(), protected, unprotected, stopped: 0 }
    }

    #[rstest]
    #[case::none(0, 0, None)]
    #[case::all(7, 0, Some(100))]
    #[case::nothing(0, 7, Some(0))]
    #[case::rounded(131, 3, Some(98))]
    #[case::not_quite_all(9_999, 1, Some(99))]
    #[case::not_quite_nothing(1, 9_999, Some(1))]
    #[case::half(1, 1, Some(50))]
    #[case::as_many_as_there_can_be(u32::MAX, u32::MAX, Some(50))]
    fn shares(#[case] protected: u32, #[case] unprotected: u32, #[case] expected: Option<u32>) {
        assert_eq!(share(&week(protected, unprotected)), expected);
    }

    /// Weeks as the server lists them, newest first, from shares oldest first; nothing is a week without mail.
    fn weeks(shares: &[Option<u32>]) -> Vec<Week> {
        shares.iter().rev().map(|share| share.map_or(week(0, 0), |share| week(share, 100 - share))).collect()
    }

    #[rstest]
    #[case::no_weeks(&[], None)]
    #[case::no_mail(&[None; 12], None)]
    #[case::too_few(&[Some(90), None, Some(95)], None)]
    #[case::high(&[Some(100), Some(90), Some(80)], Some((80, "M34 12L182 62L330 112")))]
    #[case::middling(&[Some(50), Some(75), Some(100)], Some((50, "M34 112L182 62L330 12")))]
    #[case::low(&[Some(0), Some(49), Some(100)], Some((0, "M34 112L182 63L330 12")))]
    #[case::a_gap(&[Some(100), Some(100), None, Some(90), Some(100)], Some((80, "M34 12L108 12M256 62L330 12")))]
    #[case::begun_late(&[None, Some(80), Some(80), Some(100)], Some((80, "M132 112L231 112L330 12")))]
    fn curves(#[case] shares: &[Option<u32>], #[case] expected: Option<(u32, &str)>) {
        let plot = plot(&weeks(shares));
        assert_eq!(plot.as_ref().map(|plot| (plot.floor, plot.curve.as_str())), expected);
        let points: Vec<u32> = plot.iter().flat_map(|plot| &plot.points).map(|point| point.share).collect();
        let with_mail: Vec<u32> = shares.iter().copied().flatten().collect();
        assert!(expected.is_none() || points == with_mail);
    }

    #[test]
    fn the_lines_are_where_their_shares_are() {
        let plot = plot(&weeks(&[Some(40), Some(60), Some(80)])).unwrap();
        assert_eq!(plot.lines, [100, 50, 0]);
        assert_eq!(plot.lines.map(|share| height(share, plot.floor)), [12, 62, 112]);
    }

    #[rstest]
    #[case(&[], false)]
    #[case(&[week(0, 0)], false)]
    #[case(&[week(0, 0), week(1, 0)], true)]
    #[case(&[week(0, 1)], true)]
    #[case(&[Week { stopped: 1, ..week(0, 0) }], true)]
    fn mail(#[case] weeks: &[Week], #[case] expected: bool) {
        assert_eq!(has_mail(weeks), expected);
    }

    proptest! {
        #[test]
        fn stays_within_the_frame(numbers in proptest::collection::vec((any::<u32>(), any::<u32>()), 0..20)) {
            let weeks: Vec<Week> = numbers.into_iter().map(|(protected, unprotected)| week(protected, unprotected)).collect();
            for point in plot(&weeks).iter().flat_map(|plot| &plot.points) {
                prop_assert!((34..=330).contains(&point.x) && (12..=112).contains(&point.y) && point.share <= 100);
            }
        }
    }
}
