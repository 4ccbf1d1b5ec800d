//! What the bytes of a logo are: they are decoded to their end before anybody is shown them.

use image_webp::WebPDecoder;
use std::io::Cursor;

/// Shortest and longest side, pixels: what is smaller is a mistake, and what is larger takes memory of whoever is shown it.
const SIDES: std::ops::RangeInclusive<u32> = 16..=1_600;
/// Most bytes that a decoder may hold beside the pixels.
const DECODER_BYTES: usize = 16 << 20;

/// A kind of picture that a logo can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureKind {
    /// PNG.
    Png,
    /// WebP.
    WebP,
}

impl PictureKind {
    /// By the first bytes; none for anything else.
    fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            Some(Self::Png)
        } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
            Some(Self::WebP)
        } else {
            None
        }
    }
    /// As of the media types of IANA.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// What a picture says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) kind: PictureKind,
    /// Pixels.
    pub(super) width: u32,
    /// Pixels.
    pub(super) height: u32,
}

/// Why bytes are no logo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    /// Another kind of file, whatever it is called.
    #[error("expected a PNG or WebP picture: save the logo as one of these")]
    Kind,
    /// It breaks off, or its bytes contradict each other.
    #[error("the picture cannot be read ({0}): save it again")]
    Broken(String),
    /// An animation.
    #[error("the picture moves: save a single image of it")]
    Moves,
    /// Too small or too large.
    #[error(
        "the picture has {width} × {height} pixels: expected {} to {} a side",
        SIDES.start(),
        SIDES.end()
    )]
    Sides {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
}

impl Unfit {
    /// Stable word of what is wrong.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Kind => "file_type",
            Self::Broken(_) => "malformed",
            Self::Moves => "moves",
            Self::Sides { .. } => "out_of_range",
        }
    }
}

fn broken(error: impl std::fmt::Display) -> Unfit {
    Unfit::Broken(error.to_string())
}

/// Kind and size by the head of a picture, which [`check`] has seen before.
pub(super) fn head(bytes: &[u8]) -> Option<Picture> {
    let kind = PictureKind::of(bytes)?;
    let (width, height) = match kind {
        PictureKind::Png => png::Decoder::new(Cursor::new(bytes)).read_info().ok()?.info().size(),
        PictureKind::WebP => WebPDecoder::new(Cursor::new(bytes)).ok()?.dimensions(),
    };
    Some(Picture { kind, width, height })
}

/// Decodes a picture to its end. It takes the processor for milliseconds: not on a thread that serves others.
pub(super) fn check(bytes: &[u8]) -> Result<Picture, Unfit> {
    match PictureKind::of(bytes) {
        Some(PictureKind::Png) => check_png(bytes),
        Some(PictureKind::WebP) => check_webp(bytes),
        None => Err(Unfit::Kind),
    }
}

/// Before a pixel is decoded: a few bytes may unfold to a huge picture.
fn sized(kind: PictureKind, (width, height): (u32, u32)) -> Result<Picture, Unfit> {
    if SIDES.contains(&width) && SIDES.contains(&height) {
        Ok(Picture { kind, width, height })
    } else {
        Err(Unfit::Sides { width, height })
    }
}

fn check_png(bytes: &[u8]) -> Result<Picture, Unfit> {
    let limits = png::Limits { bytes: DECODER_BYTES };
    let mut reader = png::Decoder::new_with_limits(Cursor::new(bytes), limits).read_info().map_err(broken)?;
    let info = reader.info();
    let picture = sized(PictureKind::Png, info.size())?;
    // Also where its first frame is not part of what moves.
    if info.animation_control.is_some() {
        return Err(Unfit::Moves);
    }
    while reader.next_row().map_err(broken)?.is_some() {}
    reader.finish().map_err(broken)?;
    Ok(picture)
}

fn check_webp(bytes: &[u8]) -> Result<Picture, Unfit> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(broken)?;
    decoder.set_memory_limit(DECODER_BYTES);
    let picture = sized(PictureKind::WebP, decoder.dimensions())?;
    if decoder.is_animated() {
        return Err(Unfit::Moves);
    }
    let size = decoder.output_buffer_size().ok_or_else(|| broken("too large"))?;
    decoder.read_image(&mut vec![0; size]).map_err(broken)?;
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn png(width: u32, height: u32, frames: Option<u32>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_depth(png::BitDepth::Eight);
        if let Some(frames) = frames {
            encoder.set_animated(frames, 0).unwrap();
        }
        let mut writer = encoder.write_header().unwrap();
        let pixels = vec![200; (width * height * 4) as usize];
        for _ in 0..frames.unwrap_or(1) {
            writer.write_image_data(&pixels).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn webp(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let pixels = vec![200; (width * height * 4) as usize];
        image_webp::WebPEncoder::new(&mut bytes)
            .encode(&pixels, width, height, image_webp::ColorType::Rgba8)
            .unwrap();
        bytes
    }

    #[test]
    fn a_picture_is_read_to_its_end() {
        let wanted = |kind| Picture { kind, width: 120, height: 40 };
        for (bytes, kind) in [(png(120, 40, None), PictureKind::Png), (webp(120, 40), PictureKind::WebP)] {
            assert_eq!(check(&bytes), Ok(wanted(kind)));
            assert_eq!(head(&bytes), Some(wanted(kind)));
            for cut in [20, bytes.len() / 2, bytes.len() - 6] {
                let broken = check(&bytes[..cut]);
                assert!(matches!(broken, Err(Unfit::Broken(_))), "{kind:?} of {cut} bytes: {broken:?}");
            }
        }
        let mut changed = png(120, 40, None);
        let at = changed.len() / 2;
        changed[at] ^= 0x40;
        assert!(matches!(check(&changed), Err(Unfit::Broken(_))), "its sums are compared");
    }

    #[test]
    fn what_is_no_still_picture_of_a_fitting_size_is_refused() {
        assert_eq!(check(&png(8, 40, None)), Err(Unfit::Sides { width: 8, height: 40 }));
        assert_eq!(check(&webp(1_601, 16)), Err(Unfit::Sides { width: 1_601, height: 16 }));
        assert_eq!(check(&png(40, 40, Some(2))), Err(Unfit::Moves));
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>";
        for other in [&svg[..], b"GIF89a", b"\xff\xd8\xff\xe0", b"%PDF-1.7", b"", b"RIFF\0\0\0\0WAVE"] {
            assert_eq!(check(other), Err(Unfit::Kind), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_bring_it_down(kind in 0..2_u8, at in any::<prop::sample::Index>(), put in any::<[u8; 4]>()) {
            let mut bytes = if kind == 0 { png(24, 24, None) } else { webp(24, 24) };
            let at = at.index(bytes.len() - 4);
            bytes[at..at + 4].copy_from_slice(&put);
            // Whatever it answers, it answers; and what it takes has a head.
            if let Ok(picture) = check(&bytes) {
                prop_assert_eq!(head(&bytes), Some(picture));
            }
        }
    }
}
