require "fileinto";
fileinto "B";
keep;
