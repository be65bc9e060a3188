# Runs inside the diaspora* image, by `bin/rails runner`: makes the administrator of a pod without users, or ends what
# an interrupted run began. It never changes an account that somebody else made.
#
# Ends with 0 when the administrator is there, 3 when somebody else was first, 78 when diaspora* refuses the account.

require "json"

account = JSON.parse(File.read(ENV.fetch("ADMINISTRATOR_ACCOUNT", "/etc/administrator/account.json")))
password = File.read(ENV.fetch("ADMINISTRATOR_PASSWORD_FILE", "/run/secrets/diaspora-admin-password")).chomp
username = account.fetch("username")

def give_up(status, text)
  warn "no administrator: #{text}"
  exit status
end

user = User.find_by(username: username)
if user.nil?
  give_up(3, "the pod has users already") if User.exists?
  user = User.build(username: username, email: account.fetch("email"),
                    password: password, password_confirmation: password)
  give_up(78, "diaspora* refuses #{username}: #{user.errors.full_messages.join('; ')}") unless user.save
elsif !user.valid_password?(password)
  give_up(3, "the user #{username} was there already")
end
Role.add_admin(user.person)
user.seed_aspects if user.aspects.empty?
puts "#{username} is the administrator of this pod"
