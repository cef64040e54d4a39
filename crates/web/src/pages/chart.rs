//! Reprocessed a day, as a picture: bars that a plotting library draws, dressed so that the page's style sheet colours them and
//! a pointer that rests on them is told their numbers.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::prelude::{
    BLACK, ChartBuilder, Color, IntoDrawingArea, RGBColor, Rectangle, SVGBackend, TRANSPARENT,
};
use redrive_ledger::Day;

/// Days in the picture, today among them.
const DAYS: u8 = 14;
/// Its width and height; the page scales it.
const SIZE: (u32, u32) = (480, 210);
/// The size of its letters: the library writes them by 1.24 smaller.
const LETTERS: u32 = 17;
/// A day's bars have so much of its width.
const BARS: f64 = 0.84;

/// What is drawn: its name, and how many of a day.
type Series = (&'static str, fn(&Day) -> u64);

/// What has a bar, by the name of its class and in words.
const SERIES: [Series; 3] = [
    ("restarted", |day| day.restarted),
    ("recovered", |day| day.recovered),
    ("dead-lettered", |day| day.sent_to_dlq),
];

/// A bar, or the whole column of a day. Its colour is its name, until it is dressed.
struct Bar {
    colour: RGBColor,
    class: &'static str,
    told: String,
    corners: [(f64, f64); 2],
}

type Result<T> = std::result::Result<T, DrawingAreaErrorKind<std::io::Error>>;

/// When the first of its days begins.
pub(super) fn since(now: Timestamp) -> Timestamp {
    let midnight = day(now, 0).to_zoned_datetime(TimeZone::UTC);
    midnight.map_or(now, |midnight| midnight.timestamp())
}

/// The picture, in SVG.
pub(super) fn of(days: &[Day], now: Timestamp) -> Option<String> {
    let counts = SERIES.iter().flat_map(|(_, count)| days.iter().map(count));
    let most = counts.max().unwrap_or_default();
    let top = (most as f64 * 1.05).max(4.0);
    let bars = bars(days, now, top);
    let mut svg = String::new();
    draw(&mut svg, &bars, now, top)
        .inspect_err(|error| tracing::error!(%error, "the chart cannot be drawn"))
        .ok()?;
    Some(dressed(&svg, &bars))
}

/// The day of that number, the last of them being today (UTC).
fn day(now: Timestamp, number: u8) -> Date {
    let today = now.to_zoned_datetime(TimeZone::UTC).date();
    today.saturating_sub(i64::from(DAYS - 1 - number).days())
}

fn name(date: Date) -> String {
    date.strftime("%-d %b").to_string()
}

fn bars(days: &[Day], now: Timestamp, top: f64) -> Vec<Bar> {
    let columns = (0..DAYS).flat_map(|number| {
        let date = day(now, number);
        let found = days.iter().find(|day| day.day == date);
        found.map_or_else(Vec::new, |day| column(number, day, top))
    });
    columns.collect()
}

/// The column of a day, and its bars on it.
fn column(number: u8, day: &Day, top: f64) -> Vec<Bar> {
    let (name, middle) = (name(day.day), f64::from(number));
    let whole = Bar {
        colour: RGBColor(1, number, 0),
        class: "column",
        told: format!(
            "{name}: {} restarted, {} recovered, {} failed again, {} dead-lettered, {} errors",
            day.restarted, day.recovered, day.failed_again, day.sent_to_dlq, day.errors
        ),
        corners: [(middle - 0.5, 0.0), (middle + 0.5, top)],
    };
    let width = BARS / SERIES.len() as f64;
    let bars = (0_u8..).zip(SERIES).filter_map(|(place, (class, count))| {
        let count = count(day);
        let left = middle - BARS / 2.0 + width * f64::from(place);
        (count > 0).then(|| Bar {
            colour: RGBColor(2 + place, number, 0),
            class,
            told: format!("{name}: {count} {class}"),
            corners: [(left, 0.0), (left + width * 0.9, count as f64)],
        })
    });
    std::iter::once(whole).chain(bars).collect()
}

fn draw(svg: &mut String, bars: &[Bar], now: Timestamp, top: f64) -> Result<()> {
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin(8)
        .x_label_area_size(26)
        .y_label_area_size(46)
        .build_cartesian_2d(-0.5..f64::from(DAYS) - 0.5, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(BLACK.mix(0.2))
        .light_line_style(TRANSPARENT)
        .axis_style(BLACK.mix(0.5))
        .label_style(("sans-serif", LETTERS))
        .x_labels(7)
        .y_labels(5)
        .x_label_formatter(&|x| whole(*x).map_or_else(String::new, |x| name(day(now, x))))
        .y_label_formatter(&|y| match y.fract() {
            0.0 => format!("{y:.0}"),
            _ => String::new(),
        })
        .draw()?;
    chart.draw_series(
        bars.iter()
            .map(|bar| Rectangle::new(bar.corners, bar.colour.filled())),
    )?;
    root.present()
}

/// The number of a day, where a tick stands in its middle.
fn whole(x: f64) -> Option<u8> {
    let in_the_middle = x.fract() == 0.0 && (0.0..f64::from(DAYS)).contains(&x);
    in_the_middle.then_some(x as u8)
}

/// The picture with names for the style sheet instead of colours, a title in each bar, and as wide as the page has room.
fn dressed(svg: &str, bars: &[Bar]) -> String {
    let (wide, high) = SIZE;
    let mut svg = svg
        .replacen(
            &format!("<svg width=\"{wide}\" height=\"{high}\""),
            "<svg class=\"chart\" role=\"img\" aria-labelledby=\"days\"",
            1,
        )
        .replace("\"#000000\"", "\"currentColor\"");
    for bar in bars {
        let RGBColor(red, green, blue) = bar.colour;
        let coloured = format!("fill=\"#{red:02X}{green:02X}{blue:02X}\" stroke=\"none\"/>");
        let titled = format!("class=\"{}\"><title>{}</title></rect>", bar.class, bar.told);
        svg = svg.replacen(&coloured, &titled, 1);
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days() -> (Vec<Day>, Timestamp) {
        let now: Timestamp = "2026-11-26T03:00:00Z".parse().unwrap();
        let day = |day: &str, restarted| Day {
            day: day.parse().unwrap(),
            batches: 1,
            restarted,
            recovered: 3,
            failed_again: 2,
            sent_to_dlq: 0,
            errors: 1,
        };
        let days = vec![
            day("2026-11-26", 1_200),
            day("2026-11-20", 5),
            day("2026-11-12", 7),
        ];
        (days, now)
    }

    #[test]
    fn each_bar_tells_its_number_and_each_day_all_of_them() {
        let (days, now) = days();
        let svg = of(&days, now).unwrap();
        for told in [
            "class=\"restarted\"><title>26 Nov: 1200 restarted</title></rect>",
            "class=\"recovered\"><title>20 Nov: 3 recovered</title></rect>",
            "class=\"column\"><title>20 Nov: 5 restarted, 3 recovered, 2 failed again, 0 dead-lettered, 1 errors</title></rect>",
        ] {
            assert_eq!(svg.matches(told).count(), 1, "{told}: {svg}");
        }
        assert!(!svg.contains("class=\"dead-lettered\""), "no bar for none");
        assert!(!svg.contains("12 Nov:"), "before the first day");
    }

    #[test]
    fn what_is_drawn_keeps_to_the_pages_policy_and_colours() {
        let (days, now) = days();
        for days in [&days[..], &[]] {
            let svg = of(days, now).unwrap();
            assert!(
                svg.starts_with("<svg class=\"chart\" role=\"img\""),
                "{svg}"
            );
            for refused in ["style=", "<style", "<script", "#", "url("] {
                assert!(!svg.contains(refused), "{refused}: {svg}");
            }
        }
    }

    #[test]
    fn the_axes_name_days_and_whole_numbers() {
        let (_, now) = days();
        let svg = of(&[], now).unwrap();
        assert!(svg.contains("25 Nov") && svg.contains("13 Nov"), "{svg}");
        let whole = svg.contains(">\n4\n<") && !svg.contains(">\n0.5\n<");
        assert!(whole, "{svg}");
    }

    #[test]
    fn the_first_day_is_looked_at_from_its_beginning() {
        let (_, now) = days();
        assert_eq!(since(now), "2026-11-13T00:00:00Z".parse().unwrap());
    }
}
