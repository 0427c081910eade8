//! What can be edited goes on with the pixels that it has.

use domain::{Format, Limits, Picture};
use image::{DynamicImage, ImageDecoder as _, ImageReader, Rgb, RgbImage};
use picture::{Fitted, HEAD_BYTES, Judgement, PictureRefused, TAIL_BYTES, judge, make_fit};

use crate::support::{
    assert_tiles, chunk, contains, decode, encode, ends, exif, file, profile, rechunked, rewritten,
    tiles, verify, with_chunk, with_segment,
};

#[test]
fn photos_that_are_fit_are_left_alone() {
    use Format::{Jpeg, Png, Webp};

    let tiles = DynamicImage::from(tiles());
    let mut cases = vec![
        ("grey JPEG", Jpeg, file("grey.jpg").to_vec()),
        ("interlaced PNG", Png, file("interlaced.png").to_vec()),
        ("palette PNG", Png, file("palette-alpha.png").to_vec()),
        (
            "lossy WebP with alpha",
            Webp,
            file("lossy-alpha.webp").to_vec(),
        ),
        (
            "lossless WebP with alpha",
            Webp,
            file("lossless-alpha.webp").to_vec(),
        ),
    ];
    for (name, image) in [
        ("8-bit RGB", tiles.clone()),
        ("8-bit RGBA", tiles.to_rgba8().into()),
        ("8-bit grey", tiles.to_luma8().into()),
        ("8-bit grey with alpha", tiles.to_luma_alpha8().into()),
        ("16-bit RGB", tiles.to_rgb16().into()),
        ("16-bit RGBA", tiles.to_rgba16().into()),
        ("16-bit grey", tiles.to_luma16().into()),
        ("16-bit grey with alpha", tiles.to_luma_alpha16().into()),
    ] {
        cases.push((
            name,
            Png,
            encode(&image, Png, None, Some(profile(*b"RGB "))),
        ));
    }
    let icc = Some(profile(*b"RGB "));
    cases.push((
        "JPEG with a profile",
        Jpeg,
        encode(&tiles, Jpeg, None, icc.clone()),
    ));
    cases.push(("WebP with a profile", Webp, encode(&tiles, Webp, None, icc)));
    for (name, format, file) in cases {
        let picture = Picture {
            format,
            width: 48,
            height: 32,
        };
        assert_eq!(verify(&file), Ok(Fitted::AsItIs(picture)), "{name}");
        assert_eq!(
            make_fit(&file, &Limits::default()),
            Ok(Fitted::AsItIs(picture)),
            "{name}"
        );
    }
}

#[test]
fn the_two_ends_of_a_large_file_are_enough() {
    // Noise does not compress, so that these files are longer than what is read of them.
    let mut noise = fastrand::Rng::with_seed(7);
    let image = DynamicImage::from(RgbImage::from_fn(640, 480, |_, _| {
        Rgb([noise.u8(..), noise.u8(..), noise.u8(..)])
    }));
    for format in Format::ALL {
        let file = encode(&image, format, None, None);
        assert!(file.len() > HEAD_BYTES + TAIL_BYTES, "{format:?}");
        let fit = Judgement::Fit(Picture {
            format,
            width: 640,
            height: 480,
        });
        let judged = |file: &[u8]| judge(&ends(file, HEAD_BYTES, TAIL_BYTES), &Limits::default());
        // Between a JPEG's scans may be anything.
        let fit = if format == Format::Jpeg {
            Judgement::ReadWhole
        } else {
            fit
        };
        assert_eq!(judged(&file), Ok(fit), "{format:?}");

        let cut = &file[..file.len() - 1000];
        let whole = make_fit(cut, &Limits::default());
        assert_eq!(whole, Err(PictureRefused::Truncated), "{format:?}");
        if format == Format::Webp {
            assert_eq!(judged(cut), Err(PictureRefused::Truncated));
        } else {
            assert_eq!(judged(cut), Ok(Judgement::ReadWhole), "{format:?}");
        }
        let with_place = encode(&image, format, Some(exif(1)), None);
        assert_eq!(judged(&with_place), Ok(Judgement::ReadWhole), "{format:?}");
    }
}

/// A JPEG of several scans that needs nothing done.
fn upright_progressive() -> Vec<u8> {
    let mut upright = file("progressive.jpg").to_vec();
    let orientation = b"\x01\x12\0\x03\0\0\0\x01\0\x06";
    let at = upright
        .windows(10)
        .position(|at| at == orientation)
        .unwrap();
    upright[at + 9] = 1;
    rewritten(&upright).1
}

#[test]
fn what_hides_metadata_in_its_middle_never_passes_unread() {
    let tiles = DynamicImage::from(tiles());
    let place = exif(1);
    // Between two scans of a JPEG, and in a picture behind the first one's end that ends as a JPEG does.
    let progressive = upright_progressive();
    let scan = progressive.windows(2).rposition(|at| at == b"\xff\xda");
    let mut between_scans = progressive.clone();
    let comment = [b"\xff\xfe\0\x0e".as_slice(), b"GPS 48 51 30"].concat();
    between_scans.splice(scan.unwrap()..scan.unwrap(), comment);
    let second = encode(&tiles, Format::Jpeg, Some(place), None);
    let two = [encode(&tiles, Format::Jpeg, None, None), second].concat();
    // Between two chunks of a PNG's pixels.
    let plain = rechunked(&encode(&tiles, Format::Png, None, None), 16);
    let second = plain.windows(4).rposition(|at| at == b"IDAT").unwrap() - 4;
    let text = chunk(*b"tEXt", b"place\0GPS 48 51 30");
    let between_pixels = [&plain[..second], &text, &plain[second..]].concat();

    for (name, file) in [
        ("scans", between_scans),
        ("two", two),
        ("PNG", between_pixels),
    ] {
        for head in 1..file.len() {
            for tail in [0, 16, 64, 256] {
                let judged = judge(&ends(&file, head, tail), &Limits::default());
                assert!(
                    !matches!(judged, Ok(Judgement::Fit(_))),
                    "{name}: {head}, {tail}"
                );
            }
        }
        let Ok(Fitted::Rewritten(_, bytes)) = make_fit(&file, &Limits::default()) else {
            panic!("{name}");
        };
        assert!(
            contains(&file, b"GPS 48 51 30") && !contains(&bytes, b"GPS 48 51 30"),
            "{name}"
        );
    }
}

#[test]
fn however_long_a_text_behind_a_pngs_pixels_is_it_is_seen() {
    let mut noise = fastrand::Rng::with_seed(8);
    let image = DynamicImage::from(RgbImage::from_fn(640, 480, |_, _| {
        Rgb([noise.u8(..), noise.u8(..), noise.u8(..)])
    }));
    let one_chunk = encode(&image, Format::Png, None, None);
    let text = [b"place\0".as_slice(), &vec![b'x'; 3 * TAIL_BYTES]].concat();
    // Encoders differ in how they cut the pixels; most write small chunks.
    for plain in [rechunked(&one_chunk, 8_192), one_chunk] {
        assert!(matches!(verify(&plain), Ok(Fitted::AsItIs(_))));
        let end = plain.len() - 12;
        let mut file = plain[..end].to_vec();
        file.extend(chunk(*b"tEXt", &text));
        file.extend(&plain[end..]);
        assert_eq!(rewritten(&file).1, plain);
    }
}

#[test]
fn metadata_is_cut_and_no_pixel_changes() {
    let tiles = DynamicImage::from(tiles());
    for format in Format::ALL {
        let icc = profile(*b"RGB ");
        let plain = encode(&tiles, format, None, Some(icc.clone()));
        let mut file = encode(&tiles, format, Some(exif(1)), Some(icc.clone()));
        assert!(contains(&file, b"GPS 48 51 30"));
        let (picture, stripped) = rewritten(&file);
        assert_eq!(picture.format, format);
        assert!(!contains(&stripped, b"GPS 48 51 30"), "{format:?}");
        assert_eq!(decode(&stripped), decode(&file), "{format:?}");
        let reader = ImageReader::new(std::io::Cursor::new(&stripped));
        let mut decoder = reader
            .with_guessed_format()
            .unwrap()
            .into_decoder()
            .unwrap();
        assert_eq!(decoder.icc_profile().unwrap(), Some(icc), "{format:?}");
        assert_eq!(decoder.exif_metadata().unwrap(), None, "{format:?}");
        if format != Format::Webp {
            // The image crate writes an extended header only for files with metadata.
            assert_eq!(stripped, plain, "{format:?}");
        }
        // Behind the end of the picture, too.
        file = plain;
        file.extend(b"48 51 30");
        assert!(!contains(&rewritten(&file).1, b"48 51 30"), "{format:?}");
    }
}

#[test]
fn every_kind_of_metadata_is_cut() {
    let tiles = DynamicImage::from(tiles());
    let png = encode(&tiles, Format::Png, None, None);
    for kind in [
        b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"caBX", b"prVt",
    ] {
        let file = with_chunk(&png, *kind, b"48 51 30");
        assert_eq!(rewritten(&file).1, png, "{}", kind.escape_ascii());
    }
    let jpeg = encode(&tiles, Format::Jpeg, None, None);
    for (marker, body) in [
        (0xe0, &b"JFXX\0\x10 48 51 30"[..]),
        (0xe0, b"JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01rgb"),
        (0xe1, b"Exif\0\0 not TIFF"),
        (0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        (0xe2, b"MPF\0II"),
        (0xeb, b"JP\0\0 content credentials"),
        (0xed, b"Photoshop 3.0\x008BIM"),
        (0xfe, b"48 51 30"),
        (0x02, b"48 51 30"),
    ] {
        let file = with_segment(&jpeg, marker, body);
        assert_eq!(rewritten(&file).1, jpeg, "{}", body.escape_ascii());
    }
    // What lies between segments: the rest of one that another tool has cut, say.
    let tables = jpeg.windows(2).position(|at| at == b"\xff\xdb").unwrap();
    for rest in [&b"48 51 30"[..], b"\xff\x01 48 51 30", b"\xff\0"] {
        let mut file = jpeg.clone();
        file.splice(tables..tables, rest.iter().copied());
        assert_eq!(rewritten(&file).1, jpeg, "{}", rest.escape_ascii());
    }
    // Between two scans, where only a whole file shows it.
    let progressive = upright_progressive();
    let last = progressive
        .windows(2)
        .rposition(|at| at == b"\xff\xda")
        .unwrap();
    let mut file = progressive.clone();
    file.splice(last..last, *b"\xff\xfe\0\x0a48 51 30");
    assert_eq!(rewritten(&file).1, progressive);
}

#[test]
fn what_other_programs_write_is_understood() {
    for (name, format) in [
        // On their sides.
        ("progressive.jpg", Format::Jpeg),
        ("lossy.webp", Format::Jpeg),
    ] {
        let (picture, bytes) = rewritten(file(name));
        assert_eq!(
            (picture.format, picture.width, picture.height),
            (format, 32, 48),
            "{name}"
        );
        // Stored upright and marked as turned, so turning them back shows the tiles.
        assert_tiles(&decode(&bytes).rotate270(), 12, name);
        assert!(contains(&bytes, b"ICC_PROFILE\0"), "{name}");
        for secret in [&b"Camera maker"[..], b"at home", b"xmpmeta"] {
            assert!(!contains(&bytes, secret), "{name}");
        }
    }
    let (picture, bytes) = rewritten(file("cmyk.jpg"));
    assert_eq!(picture.format, Format::Jpeg);
    assert_tiles(&decode(&bytes), 12, "cmyk.jpg");

    let phone = file("phone.jpg");
    let (_, bytes) = rewritten(phone);
    assert_tiles(&decode(&bytes), 6, "phone.jpg");
    assert_eq!(decode(&bytes), decode(phone));
    assert_eq!(bytes.windows(2).filter(|at| at == b"\xff\xd9").count(), 1);
    for secret in [&b"Camera maker"[..], b"MotionPhoto", b"Samsung"] {
        assert!(contains(phone, secret) && !contains(&bytes, secret));
    }
}

#[test]
fn a_picture_that_is_alone_in_its_animation_is_none() {
    let png = encode(&tiles().into(), Format::Png, None, None);
    let file = with_chunk(&png, *b"acTL", &[0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(rewritten(&file).1, png);
    let file = with_chunk(&png, *b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]);
    assert_eq!(verify(&file), Err(PictureRefused::Animated));
}
