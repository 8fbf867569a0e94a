"""Which sockets does the console offer?"""

from django.urls import URLPattern

websocket_urlpatterns: list[URLPattern] = []
