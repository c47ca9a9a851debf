require "copy";
redirect :copy "carl@example.com";
redirect "carl@example.com";
