require "fileinto";
require ["fileinto", "copy", "copy"];
fileinto :copy "a";
