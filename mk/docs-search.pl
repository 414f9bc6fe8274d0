#!/usr/bin/perl
# Doxygen's search knows functions, types, files and the titles of pages. This adds what a reader of the book looks for: the
# headings and titles of the pages, at each of their words, and the words of the glossary.
use strict;
use warnings;

my $html = shift;

sub slurp {
    local $/;
    open my $in, '<', $_[0] or die "$_[0]: $!";
    return scalar <$in>;
}

sub plain {
    my $text = shift;
    $text =~ s/<[^>]*>//g;
    $text =~ s/&quot;/"/g, $text =~ s/&amp;/&/g, $text =~ s/&lt;/</g, $text =~ s/&gt;/>/g;
    $text =~ s/^\s+|\s+$//g;
    $text =~ s/\s+/ /g;
    return $text;
}

my ($letters) = slurp("$html/search/searchdata.js") =~ /0: "([^"]*)"/ or die "docs: no index of letters\n";
my (%add, $number);

sub add { # what is typed, where it leads, which page that is
    my ($words, $target, $page) = @_;
    my $place = index $letters, lc substr $words, 0, 1;
    return if $place < 0;
    my $id = lc $words;
    $id =~ s/([^a-z0-9])/sprintf '_%02x', ord $1/ge;
    s/(['\\])/\\$1/g for $words, $page;
    push @{$add{sprintf 'all_%x', $place}}, "['${id}_b" . $number++ . "',['$words',['../$target',1,'$page']]]";
}

# The same at each word of a heading or title.
sub add_each {
    my ($heading, $target, $page) = @_;
    my @words = split / /, $heading;
    for my $from (0 .. $#words) {
        my $rest = join ' ', @words[$from .. $#words];
        add($rest, $target, $page) if length $words[$from] > 2 && $rest =~ /^\w/;
    }
}

$number = 0;
for my $file (glob "$html/{ch0?,fix??,fixes,lab*,callbacks,coverage,initiators}.html") {
    my ($name) = $file =~ m{([^/]+)$};
    my $text = slurp($file);
    my ($title) = map { plain($_) } $text =~ m{<div class="title">(.*?)</div>};
    add_each($title, $name, $title);
    while ($text =~ m{<h[12]><a class="anchor" id="([^"]+)"></a>(.*?)</h[12]>}gs) {
        add_each(plain($2), "$name#$1", $title) if $2 !~ /^(?:The diff|What fails without it|Try it|Where it comes from)/;
    }
    if ($text =~ m{id="ch00_glossary"(.*?)</table>}s) {
        my $table = $1;
        add(plain($1), "$name#ch00_glossary", 'Glossary') while $table =~ m{<tr[^>]*>\s*<td[^>]*>(.*?)</td>}gs;
    }
}
die "docs: the chapters have no headings\n" unless $number;
for my $index (sort keys %add) {
    my $file = "$html/search/$index.js";
    my $text = slurp($file);
    my $entries = join ",\n  ", @{$add{$index}};
    $text =~ s/\n\];\s*\z/,\n  $entries\n];\n/ or die "docs: $file is not what was expected\n";
    open my $out, '>', $file or die "$file: $!";
    print $out $text;
}
