# frozen_string_literal: true

# app/controllers/node_info_controller.rb:4-16, lib/node_info.rb:7 and :189-202
class NodeInfoController < ApplicationController
  VERSIONS = %w[1.0 2.0 2.1].freeze
  SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"

  # no query
  def jrd
    render json: {links: VERSIONS.map {|version| {rel: "#{SCHEMA}#{version}", href: node_info_url(version)} }}
  end

  # app/presenters/node_info_presenter.rb:10-48: a query only when statistics are on
  def document
    return head(:not_found) unless VERSIONS.include?(params[:version])

    total = AppConfig.privacy.statistics.user_counts? ? {total: User.count} : {}
    posts = AppConfig.privacy.statistics.post_counts? ? {localPosts: Post.count} : {}
    render json:         {
      version: params[:version],
      software: {name: "diaspora", version: AppConfig.version.number.to_s},
      openRegistrations: AppConfig.settings.enable_registrations?,
      usage: {users: total, **posts},
      metadata: {nodeName: AppConfig.settings.pod_name.get, adminAccount: AppConfig.admins.account.get}
    }, content_type: "application/json; profile=#{SCHEMA}#{params[:version]}#"
  end
end
