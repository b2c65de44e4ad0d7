"""Values of `log` that are not numbers: images, sound, video, tables, figures, histograms, text."""
