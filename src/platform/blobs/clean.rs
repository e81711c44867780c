//! What a file is, by its content alone, and the file without what it says of who made it where.
//!
//! Nothing is decoded and nothing encoded anew: segments and chunks are copied or left out, so a picture loses no quality, and
//! a malformed one can make nothing grow. What stands behind the end of a picture is left out too: nobody would see it there.
//! No clock and no I/O here.

/// What files are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// PDF.
    Pdf,
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

impl MediaType {
    /// As stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
        }
    }
    /// Reads what [`Self::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pdf, Self::Png, Self::Jpeg].into_iter().find(|media| media.as_str() == text)
    }
    /// Ending of a file's name.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Png => "png",
            Self::Jpeg => "jpg",
        }
    }
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum FileFault {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// None of the kinds that are taken, whatever its name says.
    #[error("the content is no PDF, PNG or JPEG")]
    OtherKind,
    /// It begins as one of them and is not whole.
    #[error("the file is broken or cut off")]
    Broken,
}

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// How far from its end a PDF may say that it ends. Unit: bytes.
const PDF_END_WITHIN: usize = 1_024;
/// Chunks of a PNG that are part of the picture; text, EXIF, time and what nobody knows are left out.
const PNG_KEPT: [&[u8; 4]; 12] = [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"bKGD"];

/// Tells the kind of a file and gives it without its metadata.
///
/// # Errors
/// As [`FileFault`] says.
pub fn clean(bytes: Vec<u8>) -> Result<(MediaType, Vec<u8>), FileFault> {
    if bytes.is_empty() {
        return Err(FileFault::Empty);
    }
    if bytes.starts_with(b"%PDF-") {
        let end = &bytes[bytes.len().saturating_sub(PDF_END_WITHIN)..];
        let is_whole = bytes.get(5).is_some_and(u8::is_ascii_digit) && end.windows(5).any(|window| window == b"%%EOF");
        return if is_whole { Ok((MediaType::Pdf, bytes)) } else { Err(FileFault::Broken) };
    }
    if bytes.starts_with(PNG_SIGNATURE) {
        return png(&bytes).map(|kept| (MediaType::Png, kept)).ok_or(FileFault::Broken);
    }
    if bytes.starts_with(&[0xFF, 0xD8, 0xFF]) {
        return jpeg(&bytes).map(|kept| (MediaType::Jpeg, kept)).ok_or(FileFault::Broken);
    }
    Err(FileFault::OtherKind)
}

fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = PNG_SIGNATURE.to_vec();
    let mut rest = &bytes[PNG_SIGNATURE.len()..];
    let (mut is_first, mut has_data) = (true, false);
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let name: &[u8; 4] = rest.get(4..)?.first_chunk()?;
        // Length, name, data, checksum.
        let chunk = rest.get(..length.checked_add(12)?)?;
        if is_first != (name == b"IHDR") || (is_first && length != 13) {
            return None;
        }
        is_first = false;
        has_data |= name == b"IDAT";
        if PNG_KEPT.contains(&name) {
            kept.extend_from_slice(chunk);
        }
        if name == b"IEND" {
            return has_data.then_some(kept);
        }
        rest = &rest[chunk.len()..];
    }
}

/// Markers without a segment behind them.
const fn stands_alone(marker: u8) -> bool {
    matches!(marker, 0x01 | 0xD0..=0xD7)
}

fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::with_capacity(bytes.len());
    let mut orientation = None;
    let (mut at, mut has_frame, mut has_scan) = (2_usize, false, false);
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        // Any number of fill bytes may stand before a marker.
        while *bytes.get(at + 1)? == 0xFF {
            at += 1;
        }
        let marker = *bytes.get(at + 1)?;
        at += 2;
        if stands_alone(marker) {
            kept.extend_from_slice(&[0xFF, marker]);
            continue;
        }
        match marker {
            0xD9 if has_frame && has_scan => {
                kept.extend_from_slice(&[0xFF, 0xD9]);
                let mut whole = vec![0xFF, 0xD8];
                whole.extend(orientation.map(only_orientation).into_iter().flatten());
                whole.append(&mut kept);
                return Some(whole);
            }
            0x00 | 0xD8 | 0xD9 => return None,
            _ => {}
        }
        let length = usize::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
        let data = bytes.get(at..at.checked_add(length)?)?.get(2..)?;
        at += length;
        match marker {
            // JFIF, without the small picture that it may carry.
            0xE0 if data.starts_with(b"JFIF\0") && data.len() >= 14 => segment(&mut kept, marker, &[&data[..12], &[0, 0]]),
            // One shorter than ours says nothing: so nothing ever grows.
            0xE1 if data.starts_with(b"Exif\0\0") && data.len() >= 32 => orientation = orientation.or_else(|| orientation_in(&data[6..])),
            // Colours: without them the picture would look otherwise.
            0xE2 if data.starts_with(b"ICC_PROFILE\0") => segment(&mut kept, marker, &[data]),
            0xEE if data.starts_with(b"Adobe") => segment(&mut kept, marker, &[data]),
            // Other data of applications, comments, and what is reserved.
            0xE0..=0xEF | 0xFE | 0x02..=0xBF | 0xF0..=0xFD => {}
            0xDA => {
                segment(&mut kept, marker, &[data]);
                let end = scan_end(bytes, at)?;
                kept.extend_from_slice(&bytes[at..end]);
                at = end;
                has_scan = true;
            }
            _ => {
                has_frame |= matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
                segment(&mut kept, marker, &[data]);
            }
        }
    }
}

/// Writes a segment; it is no longer than the one that it was read from.
fn segment(kept: &mut Vec<u8>, marker: u8, parts: &[&[u8]]) {
    let length = u16::try_from(parts.iter().map(|part| part.len()).sum::<usize>() + 2).unwrap_or(u16::MAX);
    kept.extend_from_slice(&[0xFF, marker]);
    kept.extend_from_slice(&length.to_be_bytes());
    for part in parts {
        kept.extend_from_slice(part);
    }
}

/// Where the coded data of a scan end: at the next marker that is neither a stuffed byte nor a restart.
fn scan_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
        match *bytes.get(at + 1)? {
            0x00 | 0xD0..=0xD7 => at += 2,
            0xFF => at += 1,
            _ => return Some(at),
        }
    }
}

/// How a picture lies (方向), from its EXIF: a telephone turns no pixels, it notes how it was held.
fn orientation_in(tiff: &[u8]) -> Option<u8> {
    let is_big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| -> Option<u16> {
        let two = *tiff.get(at..)?.first_chunk()?;
        Some(if is_big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let four = *tiff.get(4..)?.first_chunk()?;
    let directory = usize::try_from(if is_big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }).ok()?;
    let entries = usize::from(short(directory)?);
    (0..entries).find_map(|entry| {
        let at = directory.checked_add(2)?.checked_add(entry * 12)?;
        // Tag 0x0112, one value of type SHORT.
        let value = if short(at)? == 0x0112 && short(at + 2)? == 3 { short(at + 8)? } else { return None };
        u8::try_from(value).ok().filter(|value| (2..=8).contains(value))
    })
}

/// EXIF that says how the picture lies, and nothing else.
fn only_orientation(orientation: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    segment(&mut bytes, 0xE1, &[b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", &[orientation], b"\0\0\0\0\0\0"]);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(data.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(data);
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    fn a_png(extra: &[u8]) -> Vec<u8> {
        [PNG_SIGNATURE, &chunk(b"IHDR", &[0; 13]), extra, &chunk(b"IDAT", b"data"), &chunk(b"IEND", b"")].concat()
    }

    fn part(marker: u8, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        segment(&mut bytes, marker, &[data]);
        bytes
    }

    fn a_jpeg(extra: &[u8]) -> Vec<u8> {
        let (frame, scan) = (part(0xC0, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]), part(0xDA, &[1, 1, 0, 0, 63, 0]));
        [&[0xFF, 0xD8], extra, &frame, &scan, &[1, 2, 0xFF, 0x00, 3, 0xFF, 0xD0, 4, 0xFF, 0xD9]].concat()
    }

    fn has(bytes: &[u8], needle: &[u8]) -> bool {
        bytes.windows(needle.len()).any(|window| window == needle)
    }

    #[test]
    fn the_content_says_what_a_file_is() {
        assert_eq!(clean(b"%PDF-1.7\n...\n%%EOF\n".to_vec()).unwrap().0, MediaType::Pdf);
        assert_eq!(clean(a_png(b"")).unwrap(), (MediaType::Png, a_png(b"")));
        assert_eq!(clean(a_jpeg(b"")).unwrap(), (MediaType::Jpeg, a_jpeg(b"")));
        for (bytes, fault) in [
            (&b""[..], FileFault::Empty),
            (b"MZ\x90\0 renamed to photo.jpg", FileFault::OtherKind),
            (b"PK\x03\x04 a zip", FileFault::OtherKind),
            (b"<html>", FileFault::OtherKind),
            (b"\xFF\xD8", FileFault::OtherKind),
            (b"%PDF-1.7 cut off", FileFault::Broken),
            (b"\x89PNG\r\n\x1a\n", FileFault::Broken),
            (b"\xFF\xD8\xFF\xE0", FileFault::Broken),
        ] {
            assert_eq!(clean(bytes.to_vec()), Err(fault), "{bytes:?}");
        }
    }

    #[test]
    fn a_picture_loses_what_it_says_of_place_and_person_and_nothing_else() {
        let secret = b"39.05N 121.78E";
        let exif = [&b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"[..], secret].concat();
        let jfif = part(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\x02\x02thumb");
        let extra = [jfif, part(0xE1, &exif), part(0xED, secret), part(0xFE, secret), part(0xE2, b"ICC_PROFILE\0colours")].concat();
        let mut dirty = a_jpeg(&extra);
        dirty.extend_from_slice(secret);
        let kept = clean(dirty).unwrap().1;
        assert!(!has(&kept, secret) && !has(&kept, b"thumb"));
        assert!(has(&kept, b"colours") && has(&kept, &[1, 2, 0xFF, 0x00, 3, 0xFF, 0xD0, 4]));
        assert_eq!(orientation_in(&only_orientation(6)[10..]), Some(6));
        assert!(kept[2..].starts_with(&only_orientation(6)), "it still lies as it was taken");
        assert_eq!(clean(kept.clone()).unwrap().1, kept, "cleaning again changes nothing");

        let extra = [chunk(b"tEXt", secret), chunk(b"eXIf", secret), chunk(b"zTXt", secret), chunk(b"gAMA", &[0, 0, 0, 1])].concat();
        let mut dirty = a_png(&extra);
        dirty.extend_from_slice(secret);
        let kept = clean(dirty).unwrap().1;
        assert!(!has(&kept, secret) && has(&kept, b"gAMA"));
    }

    proptest! {
        #[test]
        fn whatever_comes_nothing_grows_and_what_is_clean_stays(start in 0_usize..4, noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            let head: [&[u8]; 4] = [b"", &[0xFF, 0xD8, 0xFF], PNG_SIGNATURE, b"%PDF-1"];
            let bytes = [head[start], &noise].concat();
            let length = bytes.len();
            if let Ok((media, kept)) = clean(bytes) {
                // An EXIF without anything but the orientation is shorter than the one that it was read from.
                prop_assert!(kept.len() <= length);
                prop_assert_eq!(clean(kept.clone()), Ok((media, kept)));
            }
        }
    }
}
