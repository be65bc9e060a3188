"""All keys of diaspora.toml: those of config/defaults.yml in diaspora* 0.9.1, and the one that only its example has.

Not among them: `redistogo_url` and the like, which are environment variables alone.
"""

KEYS = frozenset(
    """
    version.number heroku
    environment.url environment.certificate_authorities environment.redis environment.require_ssl
    environment.sidekiq.concurrency environment.sidekiq.retry environment.sidekiq.backtrace
    environment.sidekiq.dead_jobs_limit environment.sidekiq.dead_jobs_timeout environment.sidekiq.log
    environment.s3.enable environment.s3.key environment.s3.secret environment.s3.bucket environment.s3.region
    environment.s3.cache
    environment.image_redirect_url environment.pubsub_server
    environment.assets.serve environment.assets.upload environment.assets.host
    environment.logging.logrotate.enable environment.logging.logrotate.days
    environment.logging.debug.sql environment.logging.debug.federation
    server.listen server.rails_environment server.pid server.stderr_log server.stdout_log server.web_timeout
    server.sidekiq_workers
    map.mapbox.enabled map.mapbox.access_token map.mapbox.style
    privacy.jquery_cdn privacy.google_analytics_key
    privacy.piwik.enable privacy.piwik.host privacy.piwik.site_id
    privacy.statistics.user_counts privacy.statistics.post_counts privacy.statistics.comment_counts
    privacy.camo.proxy_markdown_images privacy.camo.proxy_opengraph_thumbnails privacy.camo.proxy_remote_pod_images
    privacy.camo.root privacy.camo.key
    settings.pod_name settings.enable_registrations settings.enable_local_posts_stream settings.autofollow_on_join
    settings.autofollow_on_join_user settings.source_url settings.changelog_url settings.default_color_theme
    settings.welcome_message.enabled settings.welcome_message.subject settings.welcome_message.text
    settings.invitations.open settings.invitations.count
    settings.paypal_donations.enable settings.paypal_donations.currency
    settings.paypal_donations.paypal_hosted_button_id settings.paypal_donations.paypal_unhosted_button_encrypted
    settings.liberapay_username settings.bitcoin_address settings.bitcoin_wallet_id
    settings.community_spotlight.enable settings.community_spotlight.suggest_email
    settings.typhoeus_verbose settings.typhoeus_concurrency settings.archive_jobs_concurrency
    settings.username_blacklist
    settings.captcha.enable settings.captcha.image_size settings.captcha.captcha_length settings.captcha.image_style
    settings.captcha.distortion
    settings.terms.enable settings.terms.jurisdiction settings.terms.minimum_age
    settings.maintenance.remove_old_users.enable settings.maintenance.remove_old_users.after_days
    settings.maintenance.remove_old_users.warn_days settings.maintenance.remove_old_users.limit_removals_to_per_day
    settings.default_metas.title settings.default_metas.description
    settings.csp.report_only settings.csp.report_uri
    services.twitter.enable services.twitter.key services.twitter.secret services.twitter.authorized
    services.tumblr.enable services.tumblr.key services.tumblr.secret services.tumblr.authorized
    services.wordpress.enable services.wordpress.key services.wordpress.client_id services.wordpress.secret
    services.wordpress.authorized
    mail.enable mail.sender_address mail.method mail.message_bus_api_key
    mail.smtp.host mail.smtp.port mail.smtp.authentication mail.smtp.username mail.smtp.password
    mail.smtp.starttls_auto mail.smtp.domain mail.smtp.openssl_verify_mode
    mail.sendmail.location mail.sendmail.exim_fix
    admins.account admins.podmin_email
    """.split()  # noqa: SIM905  # a list of 110 strings would be two pages
)
