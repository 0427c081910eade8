//! Files that somebody has made to do harm, or chance has.

use domain::{Format, Limits};
use image::DynamicImage;
use picture::{Fitted, Judgement, PictureRefused, judge, make_fit};

use crate::support::{
    FIXTURES, contains, encode, ends, exif, profile, rewritten, tiles, verify, with_chunk,
    with_segment,
};

#[test]
fn headers_that_lie_about_sizes_are_found_out() {
    let tiles = DynamicImage::from(tiles());
    let png = encode(&tiles, Format::Png, Some(exif(6)), None);
    let bomb = |side: u32| {
        let mut file = png.clone();
        file[16..20].copy_from_slice(&side.to_be_bytes());
        file[20..24].copy_from_slice(&side.to_be_bytes());
        file
    };
    assert_eq!(
        verify(&bomb(30_000)),
        Err(PictureRefused::TooManyPixels {
            pixels: 900_000_000,
            most: 50_000_000
        })
    );
    // Within the limit, but there are no such pixels.
    assert!(verify(&bomb(5_000)).is_err());

    // A WebP whose canvas is another size than its picture.
    let webp = encode(&tiles, Format::Webp, Some(exif(6)), None);
    assert_eq!(webp[12..16], *b"VP8X");
    let mut lie = webp.clone();
    lie[24] = 7;
    assert_eq!(verify(&lie), Err(PictureRefused::Damaged));

    // A second frame header of another size.
    let jpeg = encode(&tiles, Format::Jpeg, None, None);
    let frame = jpeg.windows(2).position(|at| at == b"\xff\xc0").unwrap();
    let body = jpeg[frame + 4..frame + 19].to_vec();
    assert_eq!(
        verify(&with_segment(&jpeg, 0xc0, &body)),
        Err(PictureRefused::Damaged)
    );
}

#[test]
fn bombs_take_neither_memory_nor_time() {
    let tiles = DynamicImage::from(tiles());
    // 40 MB of zeros as a profile, and as a comment: neither is unpacked.
    let zeros = miniz_oxide::deflate::compress_to_vec_zlib(&vec![0; 40_000_000], 9);
    let png = encode(&tiles, Format::Png, Some(exif(6)), None);
    let comment = with_chunk(&png, *b"zTXt", &[b"a\0\0", zeros.as_slice()].concat());
    rewritten(&comment);
    let profile = with_chunk(&png, *b"iCCP", &[b"a\0\0", zeros.as_slice()].concat());
    let outcome = make_fit(&profile, &Limits::default());
    assert!(matches!(outcome, Ok(Fitted::Rewritten(_, bytes)) if !contains(&bytes, b"iCCP")));

    // Half a million empty segments.
    let jpeg = encode(&tiles, Format::Jpeg, None, None);
    let mut file = vec![0xff, 0xd8];
    for _ in 0..500_000 {
        file.extend(b"\xff\xee\0\x02");
    }
    file.extend(&jpeg[2..]);
    assert_eq!(rewritten(&file).1, jpeg);

    // More passes than any encoder makes.
    let scan = jpeg.windows(2).position(|at| at == b"\xff\xda").unwrap();
    let mut scans = jpeg[..scan].to_vec();
    for _ in 0..101 {
        scans.extend(&jpeg[scan..jpeg.len() - 2]);
    }
    scans.extend(b"\xff\xd9");
    assert_eq!(
        make_fit(&scans, &Limits::default()),
        Err(PictureRefused::Damaged)
    );
}

/// Few bytes and few pixels, which take gigabytes to shrink.
#[test]
fn a_thread_of_a_picture_is_refused_before_it_is_decoded() {
    let thread = |side| {
        let image = image::GrayImage::new(side, 1);
        encode(&image.into(), Format::Png, None, None)
    };
    let refused = verify(&thread(65_536)).unwrap_err();
    assert_eq!(refused.code(), "photo_too_long");
    let longest = verify(&thread(65_535)).unwrap();
    assert!(matches!(longest, Fitted::Rewritten(..)), "{longest:?}");
}

/// Whatever the bytes are, there is an answer, and what is called fit by its ends is called fit as a whole or refused.
#[test]
fn no_bytes_make_it_panic() {
    let seed = option_env!("SEED").map_or(20_261_123, |seed| seed.parse().unwrap());
    let rounds = option_env!("ROUNDS").map_or(300, |rounds| rounds.parse().unwrap());
    println!("SEED={seed} ROUNDS={rounds}");
    let mut random = fastrand::Rng::with_seed(seed);
    let limits = Limits {
        // A mutated header may promise a lot; the test has not the time for it.
        max_pixels: 1_000_000,
        ..Limits::default()
    };
    let mut files: Vec<Vec<u8>> = FIXTURES.iter().map(|(_, file)| file.to_vec()).collect();
    for format in Format::ALL {
        for orientation in [1, 6] {
            files.push(encode(
                &tiles().into(),
                format,
                Some(exif(orientation)),
                Some(profile(*b"RGB ")),
            ));
        }
    }
    for _ in 0..rounds {
        for whole in &files {
            let mut file = whole.clone();
            match random.u8(..5) {
                0 => file.truncate(random.usize(..=whole.len())),
                1 => {
                    let at = random.usize(..=whole.len());
                    file.splice(at..at, (0..random.usize(..20)).map(|_| random.u8(..)));
                }
                2 => {
                    let other = random.choice(&files).unwrap();
                    file.truncate(random.usize(..=whole.len()));
                    file.extend(&other[random.usize(..=other.len())..]);
                }
                _ => {
                    for _ in 0..random.usize(1..8) {
                        if let Some(at) = (!file.is_empty()).then(|| random.usize(..file.len())) {
                            let any = random.u8(..);
                            file[at] = *random.choice([0, 0xff, file[at] ^ 1, any].iter()).unwrap();
                        }
                    }
                }
            }
            let (head, tail) = (random.usize(..200), random.usize(..100));
            let by_ends = judge(&ends(&file, head, tail), &limits);
            let by_all = make_fit(&file, &limits);
            if let (Ok(Judgement::Fit(by_ends)), Ok(Fitted::AsItIs(by_all))) = (&by_ends, &by_all) {
                assert_eq!(by_ends, by_all);
            }
            if let Ok(Fitted::Rewritten(picture, bytes)) = by_all {
                let again = make_fit(&bytes, &limits);
                assert_eq!(again, Ok(Fitted::AsItIs(picture)), "fit for good");
            }
        }
    }
}
