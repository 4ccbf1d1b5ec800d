//! The ISP's logo: taken, exchanged, handed out, removed, and sent along with mail.

use super::{
    messaging::{EMAIL, Post, notify},
    tenant, user,
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, blobs,
    ids::{BlobId, UserId},
    on_both,
    testing::World,
};
use atalaya_people::{
    identity::{self, Role},
    messaging::Template,
    tenancy::{self, LogoTheme, MAX_LOGO_BYTES},
};
use std::collections::BTreeSet;

/// A picture of one colour.
fn picture(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 480, 120);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![shade; 480 * 120]).unwrap();
    writer.finish().unwrap();
    bytes
}

async fn content(ctx: &Ctx, theme: LogoTheme) -> Option<Vec<u8>> {
    match tenancy::logo_get(ctx, theme).await {
        Ok(logo) => {
            assert_eq!((logo.media_type, logo.width, logo.height), ("image/png", 480, 120));
            Some(logo.content)
        }
        Err(Error::NotFound) => None,
        Err(error) => unreachable!("{error}"),
    }
}

async fn is_kept(ctx: &Ctx, id: &BlobId) -> bool {
    match blobs::get(ctx, id).await {
        Ok(_) => true,
        Err(Error::NotFound) => false,
        Err(error) => unreachable!("{error}"),
    }
}

on_both!(a_logo_takes_the_place_of_another, |world: World| async move {
    let (ctx, other) = (tenant(&world, "netandina").await, tenant(&world, "other").await);
    assert_eq!(content(&ctx, LogoTheme::Light).await, None);
    let first = tenancy::logo_set(&ctx, LogoTheme::Light, picture(10)).await.unwrap();
    assert_eq!((first.version, first.logo_dark.is_none()), (2, true));
    assert_eq!(tenancy::tenant_get(&ctx).await.unwrap(), first);
    assert_eq!(content(&ctx, LogoTheme::Dark).await, Some(picture(10)), "dark pages have no other");
    let id = first.logo.unwrap();
    assert!(is_kept(&ctx, &id).await && !is_kept(&other, &id).await);
    assert_eq!(content(&other, LogoTheme::Light).await, None, "it is nobody else's");

    let second = tenancy::logo_set(&ctx, LogoTheme::Light, picture(20)).await.unwrap();
    let dark = tenancy::logo_set(&ctx, LogoTheme::Dark, picture(30)).await.unwrap();
    assert_ne!(second.logo.as_ref(), Some(&id), "a browser asks again");
    assert!(!is_kept(&ctx, &id).await, "what nothing names any more is removed");
    assert_eq!((&dark.logo, dark.version), (&second.logo, 4));
    assert_eq!(content(&ctx, LogoTheme::Light).await, Some(picture(20)));
    assert_eq!(content(&ctx, LogoTheme::Dark).await, Some(picture(30)));

    let without = tenancy::logo_remove(&ctx, LogoTheme::Dark).await.unwrap();
    assert_eq!((without.logo_dark, &without.logo), (None, &second.logo));
    assert!(!is_kept(&ctx, &dark.logo_dark.unwrap()).await);
    assert!(matches!(tenancy::logo_remove(&ctx, LogoTheme::Dark).await, Err(Error::NotFound)));
    tenancy::logo_remove(&ctx, LogoTheme::Light).await.unwrap();
    assert_eq!(content(&ctx, LogoTheme::Light).await, None);
});

on_both!(what_is_no_logo_is_refused_and_changes_nothing, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let kept = tenancy::logo_set(&ctx, LogoTheme::Light, picture(10)).await.unwrap();
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>".to_vec();
    let half = picture(20)[..60].to_vec();
    let heavy = [picture(20), vec![0; MAX_LOGO_BYTES]].concat();
    for (bytes, code) in [(svg, "file_type"), (half, "malformed"), (heavy, "too_large"), (vec![], "required")]
    {
        let Err(Error::Invalid(fields)) = tenancy::logo_set(&ctx, LogoTheme::Light, bytes).await else {
            unreachable!("{code}")
        };
        assert_eq!((fields[0].pointer.as_str(), fields[0].code), ("/logo", code));
        assert!(fields[0].detail.len() > 10, "it says what to do");
    }
    let reads = {
        let principal = Principal::User { id: UserId::new(ctx.now()), name: "P".to_owned() };
        Ctx::new(ctx.db().clone(), principal, Permissions::These(BTreeSet::new()), Scope::All, "test")
    };
    let refused = tenancy::logo_set(&reads, LogoTheme::Light, picture(20)).await;
    assert!(matches!(refused, Err(Error::Forbidden("tenant.write"))));
    let refused = tenancy::logo_remove(&reads, LogoTheme::Light).await;
    assert!(matches!(refused, Err(Error::Forbidden("tenant.write"))));
    assert_eq!(content(&reads, LogoTheme::Light).await, Some(picture(10)), "everybody sees it");
    assert_eq!(tenancy::tenant_get(&ctx).await.unwrap(), kept);
});

on_both!(a_notice_carries_the_logo, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap().id;
    let post = Post::open();
    let changed = Template::PasswordChanged { at: ctx.now() };
    notify(&ctx, &rosa, &changed, "a").await;
    let [plain] = post.deliver(&world).await.try_into().ok().unwrap();
    assert!(plain.logo.is_none() && !plain.html.expose().contains("<img"));

    tenancy::logo_set(&ctx, LogoTheme::Light, picture(10)).await.unwrap();
    notify(&ctx, &rosa, &changed, "b").await;
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    let shown = "<img src=\"cid:logo@notice\" alt=\"NETANDINA\" width=\"192\" height=\"48\">";
    assert!(mail.html.expose().contains(shown), "{}", mail.html.expose());
    let logo = mail.logo.unwrap();
    assert_eq!((logo.media_type, &*logo.content), ("image/png", &*picture(10)));
});
