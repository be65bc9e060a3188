# An initializer of Rails, before sidekiq.rb of diaspora*. What that one asks takes an address that begins with rediss://
# for a mistake, and warns of it in the journal, with the password.
def AppConfig.get_redis_options
  {url: ENV.fetch("ENVIRONMENT_REDIS")}
end
