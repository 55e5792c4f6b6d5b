//! Charts as SVG. Colours are attributes whose values the style sheet knows, so that it can give them others in the dark.

use std::ops::Range;

use maud::{Markup, PreEscaped, html};
use plotters::prelude::*;

/// The colours of a chart. The style sheet names each one (`[fill="#2764C8"]`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// What waits.
    Quiet,
    /// What goes on.
    Busy,
    /// What went well.
    Good,
    /// What went wrong.
    Bad,
    /// What was stopped.
    Stopped,
}

impl Ink {
    const fn color(self) -> RGBColor {
        match self {
            Self::Quiet => RGBColor(0x8A, 0x94, 0xA6),
            Self::Busy => RGBColor(0x27, 0x64, 0xC8),
            Self::Good => RGBColor(0x1E, 0x7F, 0x4F),
            Self::Bad => RGBColor(0xC0, 0x36, 0x2C),
            Self::Stopped => RGBColor(0x7A, 0x4F, 0xB5),
        }
    }
}

const AXIS: RGBColor = RGBColor(0x5A, 0x64, 0x72);
const GRID: RGBColor = RGBColor(0xD5, 0xDA, 0xE1);
/// The size of what is drawn; it is shown as wide as its place.
const SIZE: (u32, u32) = (720, 220);
const BAR_SIZE: (u32, u32) = (720, 20);

/// A line or area over time.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    /// Its colour.
    pub(super) ink: Ink,
    /// Seconds since the beginning of the chart, and values.
    pub(super) points: Vec<(f64, f64)>,
}

/// Areas on top of each other: each series is drawn from 0, the first one behind the others, so callers sum them up. `time`
/// words a moment of the horizontal axis. `label` says what the chart shows to those who do not see it.
pub(super) fn areas(series: &[Series], label: &str, time: &dyn Fn(f64) -> String) -> Markup {
    draw(series, label, time, true)
}

/// Lines over time.
pub(super) fn lines(series: &[Series], label: &str, time: &dyn Fn(f64) -> String) -> Markup {
    draw(series, label, time, false)
}

fn draw(series: &[Series], label: &str, time: &dyn Fn(f64) -> String, is_filled: bool) -> Markup {
    let mut svg = String::new();
    let drawn = plot(&mut svg, series, time, is_filled);
    if let Err(error) = drawn {
        tracing::warn!(error, "a chart cannot be drawn");
        svg.clear();
    }
    html! { div.chart role="img" aria-label=(label) { (PreEscaped(svg)) } }
}

/// The ranges of both axes; never empty.
fn ranges(series: &[Series]) -> (Range<f64>, Range<f64>) {
    let points = || series.iter().flat_map(|series| series.points.iter());
    let last = points().map(|point| point.0).fold(1.0, f64::max);
    let first = points().map(|point| point.0).fold(last - 1.0, f64::min);
    let most = points().map(|point| point.1).fold(1.0, f64::max);
    (first..last, 0.0..most * 1.05)
}

fn plot(svg: &mut String, series: &[Series], time: &dyn Fn(f64) -> String, is_filled: bool) -> Result<(), String> {
    let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let (across, up) = ranges(series);
    let fault = |error: &dyn std::fmt::Display| error.to_string();
    let mut chart = ChartBuilder::on(&area)
        .margin(6)
        .x_label_area_size(24)
        .y_label_area_size(56)
        .build_cartesian_2d(across, up)
        .map_err(|error| fault(&error))?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(6)
        .y_labels(5)
        .axis_style(AXIS)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .label_style(("sans-serif", 12).into_font().color(&AXIS))
        .x_label_formatter(&|seconds| time(*seconds))
        .y_label_formatter(&|value| amount(*value))
        .draw()
        .map_err(|error| fault(&error))?;
    for one in series {
        let points = one.points.iter().copied();
        let color = one.ink.color();
        if is_filled {
            chart.draw_series(AreaSeries::new(points, 0.0, color.filled())).map_err(|error| fault(&error))?;
        } else {
            chart.draw_series(LineSeries::new(points, color.stroke_width(2))).map_err(|error| fault(&error))?;
        }
    }
    area.present().map_err(|error| fault(&error))
}

/// A number of the vertical axis.
fn amount(value: f64) -> String {
    match value {
        v if v >= 1e6 => format!("{:.1} M", v / 1e6),
        v if v >= 1e4 => format!("{:.0} k", v / 1e3),
        v if v >= 1e3 => format!("{:.1} k", v / 1e3),
        v if v.fract() == 0.0 => format!("{v:.0}"),
        v => format!("{v:.1}"),
    }
}

/// Parts of a whole, side by side. What they are and how many stands in a table beside it: `label` is for those who do not
/// see it.
pub(super) fn bar(parts: &[(Ink, i64)], label: &str) -> Markup {
    let mut svg = String::new();
    if let Err(error) = plot_bar(&mut svg, parts) {
        tracing::warn!(error, "a bar cannot be drawn");
        svg.clear();
    }
    html! { div.chart.bar role="img" aria-label=(label) { (PreEscaped(svg)) } }
}

fn plot_bar(svg: &mut String, parts: &[(Ink, i64)]) -> Result<(), String> {
    let area = SVGBackend::with_string(svg, BAR_SIZE).into_drawing_area();
    let whole: i64 = parts.iter().map(|(_, count)| count.max(&0)).sum();
    let (width, height) = (i64::from(BAR_SIZE.0), i32::try_from(BAR_SIZE.1).unwrap_or(i32::MAX));
    let mut before = 0;
    for (ink, count) in parts.iter().filter(|(_, count)| *count > 0) {
        let place = |count: i64| i32::try_from(i128::from(width) * i128::from(count) / i128::from(whole)).unwrap_or(0);
        // However few they are, they are seen.
        let (left, right) = (place(before), place(before + count));
        let corners = [(left.min(right - 2).max(0), 0), (right, height)];
        area.draw(&Rectangle::new(corners, ink.color().filled())).map_err(|error| error.to_string())?;
        before += count;
    }
    if whole == 0 {
        let all = [(0, 0), (i32::try_from(width).unwrap_or(0), height)];
        area.draw(&Rectangle::new(all, GRID.filled())).map_err(|error| error.to_string())?;
    }
    area.present().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_chart_is_inline_style() {
        let series = [Series { ink: Ink::Busy, points: vec![(0.0, 1.0), (60.0, 12_345.0)] }];
        for chart in [
            areas(&series, "a <b>", &|s| format!("{s:.0} s")),
            lines(&series, "l", &|s| format!("{s:.0} s")),
            lines(&[], "none", &|s| format!("{s:.0} s")),
            bar(&[(Ink::Good, 3), (Ink::Bad, 1)], "b"),
            bar(&[], "empty"),
        ] {
            let text = chart.into_string();
            assert!(text.contains("<svg") && text.contains("</svg>"), "{text}");
            assert!(!text.contains("style=") && !text.contains("<b>"), "a strict policy forbids it: {text}");
        }
    }

    #[test]
    fn parts_fill_the_bar_and_the_smallest_is_seen() {
        let text = bar(&[(Ink::Good, 1_000_000), (Ink::Bad, 1)], "b").into_string();
        assert!(text.contains("#C0362C") && text.contains("#1E7F4F"), "{text}");
    }
}
