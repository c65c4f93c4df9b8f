//! Pictures that are kept: what a view looked like, compared with what it looks like now.
//!
//! They are kept at half the size of CSS pixels, and compared by the means of blocks of it: another machine may draw the
//! edges of letters in another way.

use std::fs;
use std::path::PathBuf;

use image::imageops::{FilterType, resize};
use image::{ImageFormat, RgbImage};

use super::{Browser, pictures, target};

/// Side of a block, in pixels of the kept picture.
const BLOCK: u32 = 8;

/// By so much the mean of a colour within a block may differ, of 255.
const SHADE: u32 = 24;

/// So many in a thousand blocks may differ by more.
const BLOCKS: usize = 4;

/// Puts the same in the place of all that depends on when and where the picture is taken: dates, times, addresses of hosts.
const MASK: &str = r"
    document.querySelectorAll('time').forEach(time => { time.textContent = '12:00' });
    const same = [[/\b\d{1,2}:\d{2}(:\d{2})?(\s[AP]M)?/g, '12:00'], [/\b127(\.\d+){3}/g, '127.0.0.1'],
        [/\b\d{1,2}\.\s?\d{1,2}\.(\s?\d{2,4})?|\b\d{1,2}\/\d{1,2}\/\d{2,4}|\b[A-Z][a-z]{2} \d{1,2}, \d{4}/g, '1.1.2026']];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode;
        const masked = same.reduce((text, [from, to]) => text.replace(from, to), text.data);
        if (masked != text.data) text.data = masked;
    }
    document.documentElement.style.caretColor = 'transparent';";

impl Browser {
    /// Compares what is shown with the picture of this name in `tests/pictures`, and says how it differs; with
    /// `UPDATE_PICTURES` set it is put in its place.
    ///
    /// # Errors
    /// The paths of both pictures.
    ///
    /// # Panics
    /// When the browser takes no picture.
    pub fn compare_picture(&self, name: &str) -> Result<(), String> {
        self.finish_motion();
        self.script(MASK);
        let picture = self.run(self.driver().screenshot_as_png()).expect("a picture");
        let picture =
            image::load_from_memory_with_format(&picture, ImageFormat::Png).expect("a PNG").to_rgb8();
        let now = self.halved(&picture);
        let kept = kept(name);
        if std::env::var_os("UPDATE_PICTURES").is_some() {
            now.save(&kept).expect("the picture kept");
            return Ok(());
        }
        let before = image::open(&kept).map_err(|error| format!("{}: {error}", kept.display()))?.to_rgb8();
        let Some(difference) = difference(&before, &now) else { return Ok(()) };
        let folder = pictures();
        fs::create_dir_all(&folder).expect("the folder for pictures");
        let seen = folder.join(format!("changed-{name}.png"));
        now.save(&seen).expect("the picture of now");
        Err(format!(
            "{name}: {difference}: {} was {}; if that is meant to be so: UPDATE_PICTURES=1",
            seen.display(),
            kept.display()
        ))
    }

    /// Half a pixel for each pixel of CSS.
    fn halved(&self, picture: &RgbImage) -> RgbImage {
        let scale = self.script("return devicePixelRatio").as_f64().unwrap_or(1.0);
        let size = |pixels: u32| (f64::from(pixels) / (2.0 * scale)).round() as u32;
        resize(picture, size(picture.width()), size(picture.height()), FilterType::Triangle)
    }
}

fn kept(name: &str) -> PathBuf {
    let folder = target().join("../tests/pictures");
    fs::create_dir_all(&folder).expect("the folder for kept pictures");
    folder.join(format!("{name}.png"))
}

/// How much of the picture differs, if it is too much.
fn difference(before: &RgbImage, now: &RgbImage) -> Option<String> {
    if before.dimensions() != now.dimensions() {
        return Some(format!("{:?} pixels instead of {:?}", now.dimensions(), before.dimensions()));
    }
    let (width, height) = before.dimensions();
    let places = (0..height).step_by(BLOCK as usize);
    let blocks: Vec<(u32, u32)> =
        places.flat_map(|y| (0..width).step_by(BLOCK as usize).map(move |x| (x, y))).collect();
    let differ = |at: &&(u32, u32)| {
        let (before, now) = (mean(before, **at), mean(now, **at));
        before.iter().zip(now).any(|(before, now)| before.abs_diff(now) > SHADE)
    };
    let count = blocks.iter().filter(differ).count();
    (count * 1000 > blocks.len() * BLOCKS).then(|| format!("{count} of {} blocks differ", blocks.len()))
}

/// The mean colour of the block at this place.
fn mean(picture: &RgbImage, (left, top): (u32, u32)) -> [u32; 3] {
    let (right, bottom) = ((left + BLOCK).min(picture.width()), (top + BLOCK).min(picture.height()));
    let mut sum = [0; 3];
    for (x, y) in (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))) {
        sum.iter_mut().zip(picture.get_pixel(x, y).0).for_each(|(sum, part)| *sum += u32::from(part));
    }
    let pixels = (right - left) * (bottom - top);
    sum.map(|sum| sum / pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(draw: impl Fn(u32, u32) -> u8) -> RgbImage {
        RgbImage::from_fn(400, 300, |x, y| image::Rgb([draw(x, y); 3]))
    }

    #[test]
    fn a_missing_button_is_seen_and_the_edge_of_a_letter_is_not() {
        let white = page(|_, _| 255);
        let button = page(|x, y| if (20..60).contains(&x) && (20..40).contains(&y) { 60 } else { 255 });
        let edges = page(|x, y| if x % 16 == 0 && y % 3 == 0 { 200 } else { 255 });
        assert_eq!(difference(&white, &white), None);
        assert_eq!(difference(&white, &edges), None);
        assert!(difference(&white, &button).is_some());
        assert!(difference(&white, &RgbImage::new(400, 299)).is_some());
    }
}
