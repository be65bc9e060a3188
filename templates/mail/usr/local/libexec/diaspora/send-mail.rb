#!/usr/bin/env ruby
# Sends one mail to the podmin: send-mail.rb SETTINGS PASSWORD-FILE SUBJECT [USERNAME-FILE], the text on standard input.
# SETTINGS is a JSON file; PASSWORD-FILE may be empty. Without USERNAME-FILE the settings know the name of the account.
# What goes wrong is one line, and exit code 1.
begin
  require "json"
  require "net/smtp"
  require "openssl"
  require "securerandom"
  require "time"

  settings_file, password_file, subject, username_file = ARGV
  mail = JSON.parse(File.read(settings_file))
  smtp = mail.fetch("smtp")
  from = mail.fetch("from")
  to = mail.fetch("to")
  text = $stdin.read.force_encoding("UTF-8").scrub("?")
  message = <<~HEAD + [text].pack("m").gsub("\n", "\r\n")
    From: #{from}\r
    To: #{to}\r
    Subject: #{subject.gsub(/[^ -~]/, "?")}\r
    Date: #{Time.now.rfc2822}\r
    Message-ID: <#{SecureRandom.hex(16)}@#{smtp.fetch("domain")}>\r
    Auto-Submitted: auto-generated\r
    MIME-Version: 1.0\r
    Content-Type: text/plain; charset=UTF-8\r
    Content-Transfer-Encoding: base64\r
    \r
  HEAD

  connection = Net::SMTP.new(smtp.fetch("host"), smtp.fetch("port"))
  connection.open_timeout = 30
  connection.read_timeout = 60
  login = smtp.fetch("authentication") != "none"
  if login
    context = OpenSSL::SSL::SSLContext.new
    context.set_params(
      ca_file: mail.fetch("certificate_authorities"),
      verify_mode: smtp.fetch("openssl_verify_mode") == "none" ? OpenSSL::SSL::VERIFY_NONE : OpenSSL::SSL::VERIFY_PEER
    )
    # not "where it is offered": somebody in between could take the offer away and read the password
    connection.enable_starttls(context)
  else
    connection.disable_starttls
  end
  username = username_file ? File.read(username_file).chomp : smtp["username"]
  account = login ? [username, File.read(password_file).chomp, smtp.fetch("authentication").to_sym] : []
  connection.start(smtp.fetch("domain"), *account) { |server| server.send_message(message, from, to) }
rescue LoadError, StandardError => error
  reason = error.message.lines.map(&:strip).reject(&:empty?).join(" ")
  where = smtp ? " to #{smtp["host"]}:#{smtp["port"]}" : ""
  warn "the mail#{where} was not sent: #{reason.empty? ? error.class : reason}"
  exit 1
end
