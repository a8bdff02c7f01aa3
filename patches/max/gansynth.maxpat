{
	"patcher": {
		"title": "pdbridge gansynth",
		"fileversion": 1,
		"appversion": {
			"major": 8,
			"minor": 5,
			"revision": 5,
			"architecture": "x64",
			"modernui": 1
		},
		"classnamespace": "box",
		"rect": [
			80,
			100,
			1060,
			720
		],
		"bglocked": 0,
		"openinpresentation": 1,
		"default_fontsize": 12.0,
		"default_fontface": 0,
		"default_fontname": "Arial",
		"gridonopen": 1,
		"gridsize": [
			15.0,
			15.0
		],
		"gridsnaponopen": 1,
		"objectsnaponopen": 1,
		"statusbarvisible": 2,
		"toolbarvisible": 1,
		"lefttoolbarpinned": 0,
		"toptoolbarpinned": 0,
		"righttoolbarpinned": 0,
		"bottomtoolbarpinned": 0,
		"toolbars_unpinned_last_save": 0,
		"tallnewobj": 0,
		"boxanimatetime": 200,
		"enablehscroll": 1,
		"enablevscroll": 1,
		"devicewidth": 0.0,
		"description": "GANSynth: four timbres under a pad, and the keys play what lies between them. Needs a running 'pdbridge serve'.",
		"digest": "",
		"tags": "",
		"style": "",
		"subpatcher_template": "",
		"assistshowspatchername": 0,
		"boxes": [
			{
				"box": {
					"id": "obj-1",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 7,
					"patching_rect": [
						560,
						280,
						240,
						22
					],
					"patcher": {
						"fileversion": 1,
						"appversion": {
							"major": 8,
							"minor": 5,
							"revision": 5,
							"architecture": "x64",
							"modernui": 1
						},
						"classnamespace": "box",
						"rect": [
							80,
							100,
							880,
							460
						],
						"bglocked": 0,
						"openinpresentation": 0,
						"default_fontsize": 12.0,
						"default_fontface": 0,
						"default_fontname": "Arial",
						"gridonopen": 1,
						"gridsize": [
							15.0,
							15.0
						],
						"gridsnaponopen": 1,
						"objectsnaponopen": 1,
						"statusbarvisible": 2,
						"toolbarvisible": 1,
						"lefttoolbarpinned": 0,
						"toptoolbarpinned": 0,
						"righttoolbarpinned": 0,
						"bottomtoolbarpinned": 0,
						"toolbars_unpinned_last_save": 0,
						"tallnewobj": 0,
						"boxanimatetime": 200,
						"enablehscroll": 1,
						"enablevscroll": 1,
						"devicewidth": 0.0,
						"description": "",
						"digest": "",
						"tags": "",
						"style": "",
						"subpatcher_template": "",
						"assistshowspatchername": 0,
						"boxes": [
							{
								"box": {
									"id": "obj-1",
									"maxclass": "comment",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										20,
										30,
										700,
										22.0
									],
									"text": "OSC to the server. Max sends from one port and listens at another one, so /notify tells the server where; its answer is the sign that the server is there."
								}
							},
							{
								"box": {
									"id": "obj-2",
									"maxclass": "message",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										200,
										150,
										82.6,
										22.0
									],
									"text": "/notify 1 9701",
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-3",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										20,
										190,
										140.0,
										22.0
									],
									"outlettype": [],
									"text": "udpsend 127.0.0.1 9700"
								}
							},
							{
								"box": {
									"id": "obj-4",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										20,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-5",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 1,
									"patching_rect": [
										200,
										70,
										72.0,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "loadmess 1"
								}
							},
							{
								"box": {
									"id": "obj-6",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										200,
										110,
										71.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "metro 2000"
								}
							},
							{
								"box": {
									"id": "obj-7",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 1,
									"patching_rect": [
										400,
										70,
										99.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "udpreceive 9701"
								}
							},
							{
								"box": {
									"id": "obj-8",
									"maxclass": "newobj",
									"numinlets": 6,
									"numoutlets": 6,
									"patching_rect": [
										400,
										110,
										368.8,
										22.0
									],
									"outlettype": [
										"",
										"",
										"",
										"",
										"",
										""
									],
									"text": "route /done /fail /gansynth/busy /gansynth/model /gansynth/position"
								}
							},
							{
								"box": {
									"id": "obj-9",
									"maxclass": "newobj",
									"numinlets": 3,
									"numoutlets": 3,
									"patching_rect": [
										400,
										150,
										187.4,
										22.0
									],
									"outlettype": [
										"",
										"",
										""
									],
									"text": "route /notify /gansynth/write_note"
								}
							},
							{
								"box": {
									"id": "obj-10",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 3,
									"patching_rect": [
										400,
										190,
										45.0,
										22.0
									],
									"outlettype": [
										"",
										"",
										""
									],
									"text": "t b b 1"
								}
							},
							{
								"box": {
									"id": "obj-11",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										400,
										270,
										67.3,
										22.0
									],
									"outlettype": [
										"bang",
										"bang"
									],
									"text": "onebang 1"
								}
							},
							{
								"box": {
									"id": "obj-12",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										480,
										230,
										69.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "delay 5000"
								}
							},
							{
								"box": {
									"id": "obj-13",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 2,
									"patching_rect": [
										480,
										270,
										34.0,
										22.0
									],
									"outlettype": [
										"",
										""
									],
									"text": "t b 0"
								}
							},
							{
								"box": {
									"id": "obj-14",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										400,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-15",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										460,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-16",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										520,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-17",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										580,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-18",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										640,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-19",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										700,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-20",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										760,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-21",
									"maxclass": "comment",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										400,
										390,
										450,
										22.0
									],
									"text": "it came / it is there / fail / a note's file / busy / model / position"
								}
							}
						],
						"lines": [
							{
								"patchline": {
									"source": [
										"obj-4",
										0
									],
									"destination": [
										"obj-3",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-5",
										0
									],
									"destination": [
										"obj-6",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-6",
										0
									],
									"destination": [
										"obj-2",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-2",
										0
									],
									"destination": [
										"obj-3",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										0
									],
									"destination": [
										"obj-8",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										0
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-9",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-10",
										0
									],
									"destination": [
										"obj-11",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-10",
										1
									],
									"destination": [
										"obj-12",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-12",
										0
									],
									"destination": [
										"obj-13",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-13",
										0
									],
									"destination": [
										"obj-11",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-11",
										0
									],
									"destination": [
										"obj-14",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-13",
										1
									],
									"destination": [
										"obj-15",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-10",
										2
									],
									"destination": [
										"obj-15",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										1
									],
									"destination": [
										"obj-16",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-9",
										1
									],
									"destination": [
										"obj-17",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										2
									],
									"destination": [
										"obj-18",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										3
									],
									"destination": [
										"obj-19",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										4
									],
									"destination": [
										"obj-20",
										0
									],
									"order": 0
								}
							}
						],
						"dependency_cache": [],
						"autosave": 0
					},
					"text": "p server",
					"outlettype": [
						"",
						"",
						"",
						"",
						"",
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-2",
					"maxclass": "newobj",
					"numinlets": 3,
					"numoutlets": 2,
					"patching_rect": [
						30,
						380,
						150,
						22
					],
					"patcher": {
						"fileversion": 1,
						"appversion": {
							"major": 8,
							"minor": 5,
							"revision": 5,
							"architecture": "x64",
							"modernui": 1
						},
						"classnamespace": "box",
						"rect": [
							80,
							100,
							640,
							440
						],
						"bglocked": 0,
						"openinpresentation": 0,
						"default_fontsize": 12.0,
						"default_fontface": 0,
						"default_fontname": "Arial",
						"gridonopen": 1,
						"gridsize": [
							15.0,
							15.0
						],
						"gridsnaponopen": 1,
						"objectsnaponopen": 1,
						"statusbarvisible": 2,
						"toolbarvisible": 1,
						"lefttoolbarpinned": 0,
						"toptoolbarpinned": 0,
						"righttoolbarpinned": 0,
						"bottomtoolbarpinned": 0,
						"toolbars_unpinned_last_save": 0,
						"tallnewobj": 0,
						"boxanimatetime": 200,
						"enablehscroll": 1,
						"enablevscroll": 1,
						"devicewidth": 0.0,
						"description": "",
						"digest": "",
						"tags": "",
						"style": "",
						"subpatcher_template": "",
						"assistshowspatchername": 0,
						"boxes": [
							{
								"box": {
									"id": "obj-1",
									"maxclass": "comment",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										20,
										30,
										600,
										22.0
									],
									"text": "x grows to the right, y downwards, both from 0 to 1. What another program does to the pad is shown, but not while this one moves it."
								}
							},
							{
								"box": {
									"id": "obj-2",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										30,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-3",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										110,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-4",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										30,
										110,
										47.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "/ 1000."
								}
							},
							{
								"box": {
									"id": "obj-5",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										110,
										110,
										47.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "/ 1000."
								}
							},
							{
								"box": {
									"id": "obj-6",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										30,
										150,
										108.8,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "join 2 @triggers -1"
								}
							},
							{
								"box": {
									"id": "obj-7",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										30,
										190,
										75.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "speedlim 20"
								}
							},
							{
								"box": {
									"id": "obj-8",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 3,
									"patching_rect": [
										30,
										230,
										45.0,
										22.0
									],
									"outlettype": [
										"",
										"",
										""
									],
									"text": "t l b b"
								}
							},
							{
								"box": {
									"id": "obj-9",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 1,
									"patching_rect": [
										30,
										310,
										133.3,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "prepend /gansynth/pad"
								}
							},
							{
								"box": {
									"id": "obj-10",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										30,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-11",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										340,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-12",
									"maxclass": "message",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										280,
										270,
										30.0,
										22.0
									],
									"text": "0",
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-13",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										210,
										250,
										62.6,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "delay 500"
								}
							},
							{
								"box": {
									"id": "obj-14",
									"maxclass": "message",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										210,
										310,
										30.0,
										22.0
									],
									"text": "1",
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-15",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										340,
										110,
										54.0,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "gate 1 1"
								}
							},
							{
								"box": {
									"id": "obj-16",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 2,
									"patching_rect": [
										340,
										150,
										76.0,
										22.0
									],
									"outlettype": [
										"",
										""
									],
									"text": "unpack 0. 0."
								}
							},
							{
								"box": {
									"id": "obj-17",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										340,
										270,
										104.8,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "join 2 @triggers 1"
								}
							},
							{
								"box": {
									"id": "obj-18",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										340,
										190,
										48.6,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "* 1000."
								}
							},
							{
								"box": {
									"id": "obj-19",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										340,
										230,
										30.0,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "int"
								}
							},
							{
								"box": {
									"id": "obj-20",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										430,
										190,
										48.6,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "* 1000."
								}
							},
							{
								"box": {
									"id": "obj-21",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										430,
										230,
										30.0,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "int"
								}
							},
							{
								"box": {
									"id": "obj-22",
									"maxclass": "newobj",
									"numinlets": 1,
									"numoutlets": 1,
									"patching_rect": [
										340,
										310,
										74.0,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "prepend set"
								}
							},
							{
								"box": {
									"id": "obj-23",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										340,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							}
						],
						"lines": [
							{
								"patchline": {
									"source": [
										"obj-2",
										0
									],
									"destination": [
										"obj-4",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-4",
										0
									],
									"destination": [
										"obj-6",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-3",
										0
									],
									"destination": [
										"obj-5",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-5",
										0
									],
									"destination": [
										"obj-6",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-6",
										0
									],
									"destination": [
										"obj-7",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										0
									],
									"destination": [
										"obj-8",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										0
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-9",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-11",
										0
									],
									"destination": [
										"obj-15",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										1
									],
									"destination": [
										"obj-13",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										2
									],
									"destination": [
										"obj-12",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-13",
										0
									],
									"destination": [
										"obj-14",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-14",
										0
									],
									"destination": [
										"obj-15",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-12",
										0
									],
									"destination": [
										"obj-15",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-15",
										0
									],
									"destination": [
										"obj-16",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-18",
										0
									],
									"destination": [
										"obj-19",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-16",
										0
									],
									"destination": [
										"obj-18",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-19",
										0
									],
									"destination": [
										"obj-17",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-20",
										0
									],
									"destination": [
										"obj-21",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-16",
										1
									],
									"destination": [
										"obj-20",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-21",
										0
									],
									"destination": [
										"obj-17",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-17",
										0
									],
									"destination": [
										"obj-22",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-22",
										0
									],
									"destination": [
										"obj-23",
										0
									],
									"order": 0
								}
							}
						],
						"dependency_cache": [],
						"autosave": 0
					},
					"text": "p pad",
					"outlettype": [
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-3",
					"maxclass": "newobj",
					"numinlets": 3,
					"numoutlets": 2,
					"patching_rect": [
						30,
						550,
						150,
						22
					],
					"patcher": {
						"fileversion": 1,
						"appversion": {
							"major": 8,
							"minor": 5,
							"revision": 5,
							"architecture": "x64",
							"modernui": 1
						},
						"classnamespace": "box",
						"rect": [
							80,
							100,
							900,
							420
						],
						"bglocked": 0,
						"openinpresentation": 0,
						"default_fontsize": 12.0,
						"default_fontface": 0,
						"default_fontname": "Arial",
						"gridonopen": 1,
						"gridsize": [
							15.0,
							15.0
						],
						"gridsnaponopen": 1,
						"objectsnaponopen": 1,
						"statusbarvisible": 2,
						"toolbarvisible": 1,
						"lefttoolbarpinned": 0,
						"toptoolbarpinned": 0,
						"righttoolbarpinned": 0,
						"bottomtoolbarpinned": 0,
						"toolbars_unpinned_last_save": 0,
						"tallnewobj": 0,
						"boxanimatetime": 200,
						"enablehscroll": 1,
						"enablevscroll": 1,
						"devicewidth": 0.0,
						"description": "",
						"digest": "",
						"tags": "",
						"style": "",
						"subpatcher_template": "",
						"assistshowspatchername": 0,
						"boxes": [
							{
								"box": {
									"id": "obj-1",
									"maxclass": "comment",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										20,
										30,
										400,
										22.0
									],
									"text": "6 voices; one key more takes the voice of the oldest."
								}
							},
							{
								"box": {
									"id": "obj-2",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										20,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-3",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										100,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-4",
									"maxclass": "inlet",
									"numinlets": 0,
									"numoutlets": 1,
									"patching_rect": [
										460,
										70,
										30.0,
										30.0
									],
									"outlettype": [
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-5",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 4,
									"patching_rect": [
										20,
										110,
										60.0,
										22.0
									],
									"outlettype": [
										"",
										"",
										"",
										""
									],
									"text": "poly 6 1"
								}
							},
							{
								"box": {
									"id": "obj-6",
									"maxclass": "newobj",
									"numinlets": 3,
									"numoutlets": 1,
									"patching_rect": [
										20,
										150,
										66.0,
										22.0
									],
									"outlettype": [
										""
									],
									"text": "pack 0 0 0"
								}
							},
							{
								"box": {
									"id": "obj-7",
									"maxclass": "newobj",
									"numinlets": 7,
									"numoutlets": 7,
									"patching_rect": [
										20,
										190,
										105.0,
										22.0
									],
									"outlettype": [
										"",
										"",
										"",
										"",
										"",
										"",
										""
									],
									"text": "route 1 2 3 4 5 6"
								}
							},
							{
								"box": {
									"id": "obj-8",
									"maxclass": "newobj",
									"numinlets": 7,
									"numoutlets": 7,
									"patching_rect": [
										20,
										230,
										722.2,
										22.0
									],
									"outlettype": [
										"",
										"",
										"",
										"",
										"",
										"",
										""
									],
									"text": "route max-gansynth-1.wav max-gansynth-2.wav max-gansynth-3.wav max-gansynth-4.wav max-gansynth-5.wav max-gansynth-6.wav"
								}
							},
							{
								"box": {
									"id": "obj-9",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 1,
									"patching_rect": [
										460,
										310,
										42.3,
										22.0
									],
									"outlettype": [
										"Signal"
									],
									"text": "*~ 0.4"
								}
							},
							{
								"box": {
									"id": "obj-10",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										20,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-11",
									"maxclass": "outlet",
									"numinlets": 1,
									"numoutlets": 0,
									"patching_rect": [
										460,
										350,
										30.0,
										30.0
									],
									"outlettype": []
								}
							},
							{
								"box": {
									"id": "obj-12",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										20,
										270,
										100,
										22
									],
									"patcher": {
										"fileversion": 1,
										"appversion": {
											"major": 8,
											"minor": 5,
											"revision": 5,
											"architecture": "x64",
											"modernui": 1
										},
										"classnamespace": "box",
										"rect": [
											80,
											100,
											900,
											520
										],
										"bglocked": 0,
										"openinpresentation": 0,
										"default_fontsize": 12.0,
										"default_fontface": 0,
										"default_fontname": "Arial",
										"gridonopen": 1,
										"gridsize": [
											15.0,
											15.0
										],
										"gridsnaponopen": 1,
										"objectsnaponopen": 1,
										"statusbarvisible": 2,
										"toolbarvisible": 1,
										"lefttoolbarpinned": 0,
										"toptoolbarpinned": 0,
										"righttoolbarpinned": 0,
										"bottomtoolbarpinned": 0,
										"toolbars_unpinned_last_save": 0,
										"tallnewobj": 0,
										"boxanimatetime": 200,
										"enablehscroll": 1,
										"enablevscroll": 1,
										"devicewidth": 0.0,
										"description": "",
										"digest": "",
										"tags": "",
										"style": "",
										"subpatcher_template": "",
										"assistshowspatchername": 0,
										"boxes": [
											{
												"box": {
													"id": "obj-1",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														20,
														30,
														400,
														22.0
													],
													"text": "A pressed key asks the server for its note, at Max's own sampling rate."
												}
											},
											{
												"box": {
													"id": "obj-2",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														440,
														30,
														400,
														22.0
													],
													"text": "The file is whole when its name arrives here. A file for a key that was pressed before is passed over."
												}
											},
											{
												"box": {
													"id": "obj-3",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														20,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-4",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														20,
														110,
														69.3,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "unpack 0 0"
												}
											},
											{
												"box": {
													"id": "obj-5",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														20,
														150,
														56.6,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "stripnote"
												}
											},
											{
												"box": {
													"id": "obj-6",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														20,
														190,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t i i b"
												}
											},
											{
												"box": {
													"id": "obj-7",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 4,
													"patching_rect": [
														120,
														230,
														63.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														"",
														""
													],
													"text": "dspstate~"
												}
											},
											{
												"box": {
													"id": "obj-8",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														270,
														82.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "pack 0 44100"
												}
											},
											{
												"box": {
													"id": "obj-9",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														310,
														268.7,
														22.0
													],
													"text": "/gansynth/write_note $1 max-gansynth-1.wav $2",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-10",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														60,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											},
											{
												"box": {
													"id": "obj-11",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														160,
														190,
														40.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "/ 127."
												}
											},
											{
												"box": {
													"id": "obj-12",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														260,
														150,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-13",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														440,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-14",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														440,
														110,
														78.6,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "unpack 0 0 s"
												}
											},
											{
												"box": {
													"id": "obj-15",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														440,
														150,
														41.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "== 60"
												}
											},
											{
												"box": {
													"id": "obj-16",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														190,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 1"
												}
											},
											{
												"box": {
													"id": "obj-17",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														230,
														39.9,
														22.0
													],
													"outlettype": [
														"inactive",
														"inactive"
													],
													"text": "zl reg"
												}
											},
											{
												"box": {
													"id": "obj-18",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														440,
														310,
														161.7,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "buffer~ pdbridge-gansynth-1"
												}
											},
											{
												"box": {
													"id": "obj-19",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 1,
													"patching_rect": [
														440,
														270,
														97.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "prepend replace"
												}
											},
											{
												"box": {
													"id": "obj-20",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														640,
														310,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t b b b"
												}
											},
											{
												"box": {
													"id": "obj-21",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														350,
														33.9,
														22.0
													],
													"text": "start",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-22",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														720,
														390,
														153.0,
														22.0
													],
													"outlettype": [
														"signal",
														"signal"
													],
													"text": "play~ pdbridge-gansynth-1"
												}
											},
											{
												"box": {
													"id": "obj-23",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														660,
														350,
														33.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "float"
												}
											},
											{
												"box": {
													"id": "obj-24",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														580,
														350,
														30.0,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "int"
												}
											},
											{
												"box": {
													"id": "obj-25",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														500,
														390,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-26",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														400,
														390,
														62.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "delay 150"
												}
											},
											{
												"box": {
													"id": "obj-27",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														300,
														390,
														30.0,
														22.0
													],
													"text": "0",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-28",
													"maxclass": "newobj",
													"numinlets": 5,
													"numoutlets": 4,
													"patching_rect": [
														300,
														430,
														114.3,
														22.0
													],
													"outlettype": [
														"signal",
														"signal",
														"message",
														"message"
													],
													"text": "adsr~ 5. 10. 1. 300."
												}
											},
											{
												"box": {
													"id": "obj-29",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														430,
														30.0,
														22.0
													],
													"outlettype": [
														"Signal"
													],
													"text": "*~"
												}
											},
											{
												"box": {
													"id": "obj-30",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														720,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											}
										],
										"lines": [
											{
												"patchline": {
													"source": [
														"obj-3",
														0
													],
													"destination": [
														"obj-4",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														0
													],
													"destination": [
														"obj-5",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														0
													],
													"destination": [
														"obj-6",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														0
													],
													"destination": [
														"obj-8",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-8",
														0
													],
													"destination": [
														"obj-9",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-9",
														0
													],
													"destination": [
														"obj-10",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-5",
														1
													],
													"order": 1
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														2
													],
													"destination": [
														"obj-7",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-7",
														1
													],
													"destination": [
														"obj-8",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														1
													],
													"destination": [
														"obj-11",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-12",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-13",
														0
													],
													"destination": [
														"obj-14",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														0
													],
													"destination": [
														"obj-15",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-15",
														0
													],
													"destination": [
														"obj-16",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-16",
														0
													],
													"destination": [
														"obj-17",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-17",
														0
													],
													"destination": [
														"obj-19",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-19",
														0
													],
													"destination": [
														"obj-18",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														2
													],
													"destination": [
														"obj-17",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														1
													],
													"destination": [
														"obj-15",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-18",
														1
													],
													"destination": [
														"obj-20",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														2
													],
													"destination": [
														"obj-21",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														1
													],
													"destination": [
														"obj-23",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														0
													],
													"destination": [
														"obj-24",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-21",
														0
													],
													"destination": [
														"obj-22",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-22",
														0
													],
													"destination": [
														"obj-29",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-29",
														0
													],
													"destination": [
														"obj-30",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-11",
														0
													],
													"destination": [
														"obj-23",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-24",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-24",
														0
													],
													"destination": [
														"obj-25",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-25",
														0
													],
													"destination": [
														"obj-26",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-26",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-27",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-12",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-23",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-28",
														0
													],
													"destination": [
														"obj-29",
														1
													],
													"order": 0
												}
											}
										],
										"dependency_cache": [],
										"autosave": 0
									},
									"text": "p voice1",
									"outlettype": [
										"",
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-13",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										165,
										270,
										100,
										22
									],
									"patcher": {
										"fileversion": 1,
										"appversion": {
											"major": 8,
											"minor": 5,
											"revision": 5,
											"architecture": "x64",
											"modernui": 1
										},
										"classnamespace": "box",
										"rect": [
											80,
											100,
											900,
											520
										],
										"bglocked": 0,
										"openinpresentation": 0,
										"default_fontsize": 12.0,
										"default_fontface": 0,
										"default_fontname": "Arial",
										"gridonopen": 1,
										"gridsize": [
											15.0,
											15.0
										],
										"gridsnaponopen": 1,
										"objectsnaponopen": 1,
										"statusbarvisible": 2,
										"toolbarvisible": 1,
										"lefttoolbarpinned": 0,
										"toptoolbarpinned": 0,
										"righttoolbarpinned": 0,
										"bottomtoolbarpinned": 0,
										"toolbars_unpinned_last_save": 0,
										"tallnewobj": 0,
										"boxanimatetime": 200,
										"enablehscroll": 1,
										"enablevscroll": 1,
										"devicewidth": 0.0,
										"description": "",
										"digest": "",
										"tags": "",
										"style": "",
										"subpatcher_template": "",
										"assistshowspatchername": 0,
										"boxes": [
											{
												"box": {
													"id": "obj-1",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														20,
														30,
														400,
														22.0
													],
													"text": "A pressed key asks the server for its note, at Max's own sampling rate."
												}
											},
											{
												"box": {
													"id": "obj-2",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														440,
														30,
														400,
														22.0
													],
													"text": "The file is whole when its name arrives here. A file for a key that was pressed before is passed over."
												}
											},
											{
												"box": {
													"id": "obj-3",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														20,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-4",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														20,
														110,
														69.3,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "unpack 0 0"
												}
											},
											{
												"box": {
													"id": "obj-5",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														20,
														150,
														56.6,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "stripnote"
												}
											},
											{
												"box": {
													"id": "obj-6",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														20,
														190,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t i i b"
												}
											},
											{
												"box": {
													"id": "obj-7",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 4,
													"patching_rect": [
														120,
														230,
														63.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														"",
														""
													],
													"text": "dspstate~"
												}
											},
											{
												"box": {
													"id": "obj-8",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														270,
														82.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "pack 0 44100"
												}
											},
											{
												"box": {
													"id": "obj-9",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														310,
														268.7,
														22.0
													],
													"text": "/gansynth/write_note $1 max-gansynth-2.wav $2",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-10",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														60,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											},
											{
												"box": {
													"id": "obj-11",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														160,
														190,
														40.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "/ 127."
												}
											},
											{
												"box": {
													"id": "obj-12",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														260,
														150,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-13",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														440,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-14",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														440,
														110,
														78.6,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "unpack 0 0 s"
												}
											},
											{
												"box": {
													"id": "obj-15",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														440,
														150,
														41.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "== 60"
												}
											},
											{
												"box": {
													"id": "obj-16",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														190,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 1"
												}
											},
											{
												"box": {
													"id": "obj-17",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														230,
														39.9,
														22.0
													],
													"outlettype": [
														"inactive",
														"inactive"
													],
													"text": "zl reg"
												}
											},
											{
												"box": {
													"id": "obj-18",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														440,
														310,
														161.7,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "buffer~ pdbridge-gansynth-2"
												}
											},
											{
												"box": {
													"id": "obj-19",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 1,
													"patching_rect": [
														440,
														270,
														97.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "prepend replace"
												}
											},
											{
												"box": {
													"id": "obj-20",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														640,
														310,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t b b b"
												}
											},
											{
												"box": {
													"id": "obj-21",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														350,
														33.9,
														22.0
													],
													"text": "start",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-22",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														720,
														390,
														153.0,
														22.0
													],
													"outlettype": [
														"signal",
														"signal"
													],
													"text": "play~ pdbridge-gansynth-2"
												}
											},
											{
												"box": {
													"id": "obj-23",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														660,
														350,
														33.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "float"
												}
											},
											{
												"box": {
													"id": "obj-24",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														580,
														350,
														30.0,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "int"
												}
											},
											{
												"box": {
													"id": "obj-25",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														500,
														390,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-26",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														400,
														390,
														62.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "delay 150"
												}
											},
											{
												"box": {
													"id": "obj-27",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														300,
														390,
														30.0,
														22.0
													],
													"text": "0",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-28",
													"maxclass": "newobj",
													"numinlets": 5,
													"numoutlets": 4,
													"patching_rect": [
														300,
														430,
														114.3,
														22.0
													],
													"outlettype": [
														"signal",
														"signal",
														"message",
														"message"
													],
													"text": "adsr~ 5. 10. 1. 300."
												}
											},
											{
												"box": {
													"id": "obj-29",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														430,
														30.0,
														22.0
													],
													"outlettype": [
														"Signal"
													],
													"text": "*~"
												}
											},
											{
												"box": {
													"id": "obj-30",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														720,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											}
										],
										"lines": [
											{
												"patchline": {
													"source": [
														"obj-3",
														0
													],
													"destination": [
														"obj-4",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														0
													],
													"destination": [
														"obj-5",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														0
													],
													"destination": [
														"obj-6",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														0
													],
													"destination": [
														"obj-8",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-8",
														0
													],
													"destination": [
														"obj-9",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-9",
														0
													],
													"destination": [
														"obj-10",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-5",
														1
													],
													"order": 1
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														2
													],
													"destination": [
														"obj-7",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-7",
														1
													],
													"destination": [
														"obj-8",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														1
													],
													"destination": [
														"obj-11",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-12",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-13",
														0
													],
													"destination": [
														"obj-14",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														0
													],
													"destination": [
														"obj-15",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-15",
														0
													],
													"destination": [
														"obj-16",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-16",
														0
													],
													"destination": [
														"obj-17",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-17",
														0
													],
													"destination": [
														"obj-19",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-19",
														0
													],
													"destination": [
														"obj-18",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														2
													],
													"destination": [
														"obj-17",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														1
													],
													"destination": [
														"obj-15",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-18",
														1
													],
													"destination": [
														"obj-20",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														2
													],
													"destination": [
														"obj-21",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														1
													],
													"destination": [
														"obj-23",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														0
													],
													"destination": [
														"obj-24",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-21",
														0
													],
													"destination": [
														"obj-22",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-22",
														0
													],
													"destination": [
														"obj-29",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-29",
														0
													],
													"destination": [
														"obj-30",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-11",
														0
													],
													"destination": [
														"obj-23",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-24",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-24",
														0
													],
													"destination": [
														"obj-25",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-25",
														0
													],
													"destination": [
														"obj-26",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-26",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-27",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-12",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-23",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-28",
														0
													],
													"destination": [
														"obj-29",
														1
													],
													"order": 0
												}
											}
										],
										"dependency_cache": [],
										"autosave": 0
									},
									"text": "p voice2",
									"outlettype": [
										"",
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-14",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										310,
										270,
										100,
										22
									],
									"patcher": {
										"fileversion": 1,
										"appversion": {
											"major": 8,
											"minor": 5,
											"revision": 5,
											"architecture": "x64",
											"modernui": 1
										},
										"classnamespace": "box",
										"rect": [
											80,
											100,
											900,
											520
										],
										"bglocked": 0,
										"openinpresentation": 0,
										"default_fontsize": 12.0,
										"default_fontface": 0,
										"default_fontname": "Arial",
										"gridonopen": 1,
										"gridsize": [
											15.0,
											15.0
										],
										"gridsnaponopen": 1,
										"objectsnaponopen": 1,
										"statusbarvisible": 2,
										"toolbarvisible": 1,
										"lefttoolbarpinned": 0,
										"toptoolbarpinned": 0,
										"righttoolbarpinned": 0,
										"bottomtoolbarpinned": 0,
										"toolbars_unpinned_last_save": 0,
										"tallnewobj": 0,
										"boxanimatetime": 200,
										"enablehscroll": 1,
										"enablevscroll": 1,
										"devicewidth": 0.0,
										"description": "",
										"digest": "",
										"tags": "",
										"style": "",
										"subpatcher_template": "",
										"assistshowspatchername": 0,
										"boxes": [
											{
												"box": {
													"id": "obj-1",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														20,
														30,
														400,
														22.0
													],
													"text": "A pressed key asks the server for its note, at Max's own sampling rate."
												}
											},
											{
												"box": {
													"id": "obj-2",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														440,
														30,
														400,
														22.0
													],
													"text": "The file is whole when its name arrives here. A file for a key that was pressed before is passed over."
												}
											},
											{
												"box": {
													"id": "obj-3",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														20,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-4",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														20,
														110,
														69.3,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "unpack 0 0"
												}
											},
											{
												"box": {
													"id": "obj-5",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														20,
														150,
														56.6,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "stripnote"
												}
											},
											{
												"box": {
													"id": "obj-6",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														20,
														190,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t i i b"
												}
											},
											{
												"box": {
													"id": "obj-7",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 4,
													"patching_rect": [
														120,
														230,
														63.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														"",
														""
													],
													"text": "dspstate~"
												}
											},
											{
												"box": {
													"id": "obj-8",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														270,
														82.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "pack 0 44100"
												}
											},
											{
												"box": {
													"id": "obj-9",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														310,
														268.7,
														22.0
													],
													"text": "/gansynth/write_note $1 max-gansynth-3.wav $2",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-10",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														60,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											},
											{
												"box": {
													"id": "obj-11",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														160,
														190,
														40.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "/ 127."
												}
											},
											{
												"box": {
													"id": "obj-12",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														260,
														150,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-13",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														440,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-14",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														440,
														110,
														78.6,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "unpack 0 0 s"
												}
											},
											{
												"box": {
													"id": "obj-15",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														440,
														150,
														41.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "== 60"
												}
											},
											{
												"box": {
													"id": "obj-16",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														190,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 1"
												}
											},
											{
												"box": {
													"id": "obj-17",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														230,
														39.9,
														22.0
													],
													"outlettype": [
														"inactive",
														"inactive"
													],
													"text": "zl reg"
												}
											},
											{
												"box": {
													"id": "obj-18",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														440,
														310,
														161.7,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "buffer~ pdbridge-gansynth-3"
												}
											},
											{
												"box": {
													"id": "obj-19",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 1,
													"patching_rect": [
														440,
														270,
														97.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "prepend replace"
												}
											},
											{
												"box": {
													"id": "obj-20",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														640,
														310,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t b b b"
												}
											},
											{
												"box": {
													"id": "obj-21",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														350,
														33.9,
														22.0
													],
													"text": "start",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-22",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														720,
														390,
														153.0,
														22.0
													],
													"outlettype": [
														"signal",
														"signal"
													],
													"text": "play~ pdbridge-gansynth-3"
												}
											},
											{
												"box": {
													"id": "obj-23",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														660,
														350,
														33.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "float"
												}
											},
											{
												"box": {
													"id": "obj-24",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														580,
														350,
														30.0,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "int"
												}
											},
											{
												"box": {
													"id": "obj-25",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														500,
														390,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-26",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														400,
														390,
														62.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "delay 150"
												}
											},
											{
												"box": {
													"id": "obj-27",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														300,
														390,
														30.0,
														22.0
													],
													"text": "0",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-28",
													"maxclass": "newobj",
													"numinlets": 5,
													"numoutlets": 4,
													"patching_rect": [
														300,
														430,
														114.3,
														22.0
													],
													"outlettype": [
														"signal",
														"signal",
														"message",
														"message"
													],
													"text": "adsr~ 5. 10. 1. 300."
												}
											},
											{
												"box": {
													"id": "obj-29",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														430,
														30.0,
														22.0
													],
													"outlettype": [
														"Signal"
													],
													"text": "*~"
												}
											},
											{
												"box": {
													"id": "obj-30",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														720,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											}
										],
										"lines": [
											{
												"patchline": {
													"source": [
														"obj-3",
														0
													],
													"destination": [
														"obj-4",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														0
													],
													"destination": [
														"obj-5",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														0
													],
													"destination": [
														"obj-6",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														0
													],
													"destination": [
														"obj-8",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-8",
														0
													],
													"destination": [
														"obj-9",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-9",
														0
													],
													"destination": [
														"obj-10",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-5",
														1
													],
													"order": 1
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														2
													],
													"destination": [
														"obj-7",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-7",
														1
													],
													"destination": [
														"obj-8",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														1
													],
													"destination": [
														"obj-11",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-12",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-13",
														0
													],
													"destination": [
														"obj-14",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														0
													],
													"destination": [
														"obj-15",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-15",
														0
													],
													"destination": [
														"obj-16",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-16",
														0
													],
													"destination": [
														"obj-17",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-17",
														0
													],
													"destination": [
														"obj-19",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-19",
														0
													],
													"destination": [
														"obj-18",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														2
													],
													"destination": [
														"obj-17",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														1
													],
													"destination": [
														"obj-15",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-18",
														1
													],
													"destination": [
														"obj-20",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														2
													],
													"destination": [
														"obj-21",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														1
													],
													"destination": [
														"obj-23",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														0
													],
													"destination": [
														"obj-24",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-21",
														0
													],
													"destination": [
														"obj-22",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-22",
														0
													],
													"destination": [
														"obj-29",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-29",
														0
													],
													"destination": [
														"obj-30",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-11",
														0
													],
													"destination": [
														"obj-23",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-24",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-24",
														0
													],
													"destination": [
														"obj-25",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-25",
														0
													],
													"destination": [
														"obj-26",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-26",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-27",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-12",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-23",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-28",
														0
													],
													"destination": [
														"obj-29",
														1
													],
													"order": 0
												}
											}
										],
										"dependency_cache": [],
										"autosave": 0
									},
									"text": "p voice3",
									"outlettype": [
										"",
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-15",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										455,
										270,
										100,
										22
									],
									"patcher": {
										"fileversion": 1,
										"appversion": {
											"major": 8,
											"minor": 5,
											"revision": 5,
											"architecture": "x64",
											"modernui": 1
										},
										"classnamespace": "box",
										"rect": [
											80,
											100,
											900,
											520
										],
										"bglocked": 0,
										"openinpresentation": 0,
										"default_fontsize": 12.0,
										"default_fontface": 0,
										"default_fontname": "Arial",
										"gridonopen": 1,
										"gridsize": [
											15.0,
											15.0
										],
										"gridsnaponopen": 1,
										"objectsnaponopen": 1,
										"statusbarvisible": 2,
										"toolbarvisible": 1,
										"lefttoolbarpinned": 0,
										"toptoolbarpinned": 0,
										"righttoolbarpinned": 0,
										"bottomtoolbarpinned": 0,
										"toolbars_unpinned_last_save": 0,
										"tallnewobj": 0,
										"boxanimatetime": 200,
										"enablehscroll": 1,
										"enablevscroll": 1,
										"devicewidth": 0.0,
										"description": "",
										"digest": "",
										"tags": "",
										"style": "",
										"subpatcher_template": "",
										"assistshowspatchername": 0,
										"boxes": [
											{
												"box": {
													"id": "obj-1",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														20,
														30,
														400,
														22.0
													],
													"text": "A pressed key asks the server for its note, at Max's own sampling rate."
												}
											},
											{
												"box": {
													"id": "obj-2",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														440,
														30,
														400,
														22.0
													],
													"text": "The file is whole when its name arrives here. A file for a key that was pressed before is passed over."
												}
											},
											{
												"box": {
													"id": "obj-3",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														20,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-4",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														20,
														110,
														69.3,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "unpack 0 0"
												}
											},
											{
												"box": {
													"id": "obj-5",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														20,
														150,
														56.6,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "stripnote"
												}
											},
											{
												"box": {
													"id": "obj-6",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														20,
														190,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t i i b"
												}
											},
											{
												"box": {
													"id": "obj-7",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 4,
													"patching_rect": [
														120,
														230,
														63.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														"",
														""
													],
													"text": "dspstate~"
												}
											},
											{
												"box": {
													"id": "obj-8",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														270,
														82.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "pack 0 44100"
												}
											},
											{
												"box": {
													"id": "obj-9",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														310,
														268.7,
														22.0
													],
													"text": "/gansynth/write_note $1 max-gansynth-4.wav $2",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-10",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														60,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											},
											{
												"box": {
													"id": "obj-11",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														160,
														190,
														40.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "/ 127."
												}
											},
											{
												"box": {
													"id": "obj-12",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														260,
														150,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-13",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														440,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-14",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														440,
														110,
														78.6,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "unpack 0 0 s"
												}
											},
											{
												"box": {
													"id": "obj-15",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														440,
														150,
														41.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "== 60"
												}
											},
											{
												"box": {
													"id": "obj-16",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														190,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 1"
												}
											},
											{
												"box": {
													"id": "obj-17",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														230,
														39.9,
														22.0
													],
													"outlettype": [
														"inactive",
														"inactive"
													],
													"text": "zl reg"
												}
											},
											{
												"box": {
													"id": "obj-18",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														440,
														310,
														161.7,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "buffer~ pdbridge-gansynth-4"
												}
											},
											{
												"box": {
													"id": "obj-19",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 1,
													"patching_rect": [
														440,
														270,
														97.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "prepend replace"
												}
											},
											{
												"box": {
													"id": "obj-20",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														640,
														310,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t b b b"
												}
											},
											{
												"box": {
													"id": "obj-21",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														350,
														33.9,
														22.0
													],
													"text": "start",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-22",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														720,
														390,
														153.0,
														22.0
													],
													"outlettype": [
														"signal",
														"signal"
													],
													"text": "play~ pdbridge-gansynth-4"
												}
											},
											{
												"box": {
													"id": "obj-23",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														660,
														350,
														33.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "float"
												}
											},
											{
												"box": {
													"id": "obj-24",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														580,
														350,
														30.0,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "int"
												}
											},
											{
												"box": {
													"id": "obj-25",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														500,
														390,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-26",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														400,
														390,
														62.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "delay 150"
												}
											},
											{
												"box": {
													"id": "obj-27",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														300,
														390,
														30.0,
														22.0
													],
													"text": "0",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-28",
													"maxclass": "newobj",
													"numinlets": 5,
													"numoutlets": 4,
													"patching_rect": [
														300,
														430,
														114.3,
														22.0
													],
													"outlettype": [
														"signal",
														"signal",
														"message",
														"message"
													],
													"text": "adsr~ 5. 10. 1. 300."
												}
											},
											{
												"box": {
													"id": "obj-29",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														430,
														30.0,
														22.0
													],
													"outlettype": [
														"Signal"
													],
													"text": "*~"
												}
											},
											{
												"box": {
													"id": "obj-30",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														720,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											}
										],
										"lines": [
											{
												"patchline": {
													"source": [
														"obj-3",
														0
													],
													"destination": [
														"obj-4",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														0
													],
													"destination": [
														"obj-5",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														0
													],
													"destination": [
														"obj-6",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														0
													],
													"destination": [
														"obj-8",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-8",
														0
													],
													"destination": [
														"obj-9",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-9",
														0
													],
													"destination": [
														"obj-10",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-5",
														1
													],
													"order": 1
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														2
													],
													"destination": [
														"obj-7",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-7",
														1
													],
													"destination": [
														"obj-8",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														1
													],
													"destination": [
														"obj-11",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-12",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-13",
														0
													],
													"destination": [
														"obj-14",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														0
													],
													"destination": [
														"obj-15",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-15",
														0
													],
													"destination": [
														"obj-16",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-16",
														0
													],
													"destination": [
														"obj-17",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-17",
														0
													],
													"destination": [
														"obj-19",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-19",
														0
													],
													"destination": [
														"obj-18",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														2
													],
													"destination": [
														"obj-17",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														1
													],
													"destination": [
														"obj-15",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-18",
														1
													],
													"destination": [
														"obj-20",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														2
													],
													"destination": [
														"obj-21",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														1
													],
													"destination": [
														"obj-23",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														0
													],
													"destination": [
														"obj-24",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-21",
														0
													],
													"destination": [
														"obj-22",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-22",
														0
													],
													"destination": [
														"obj-29",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-29",
														0
													],
													"destination": [
														"obj-30",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-11",
														0
													],
													"destination": [
														"obj-23",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-24",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-24",
														0
													],
													"destination": [
														"obj-25",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-25",
														0
													],
													"destination": [
														"obj-26",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-26",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-27",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-12",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-23",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-28",
														0
													],
													"destination": [
														"obj-29",
														1
													],
													"order": 0
												}
											}
										],
										"dependency_cache": [],
										"autosave": 0
									},
									"text": "p voice4",
									"outlettype": [
										"",
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-16",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										600,
										270,
										100,
										22
									],
									"patcher": {
										"fileversion": 1,
										"appversion": {
											"major": 8,
											"minor": 5,
											"revision": 5,
											"architecture": "x64",
											"modernui": 1
										},
										"classnamespace": "box",
										"rect": [
											80,
											100,
											900,
											520
										],
										"bglocked": 0,
										"openinpresentation": 0,
										"default_fontsize": 12.0,
										"default_fontface": 0,
										"default_fontname": "Arial",
										"gridonopen": 1,
										"gridsize": [
											15.0,
											15.0
										],
										"gridsnaponopen": 1,
										"objectsnaponopen": 1,
										"statusbarvisible": 2,
										"toolbarvisible": 1,
										"lefttoolbarpinned": 0,
										"toptoolbarpinned": 0,
										"righttoolbarpinned": 0,
										"bottomtoolbarpinned": 0,
										"toolbars_unpinned_last_save": 0,
										"tallnewobj": 0,
										"boxanimatetime": 200,
										"enablehscroll": 1,
										"enablevscroll": 1,
										"devicewidth": 0.0,
										"description": "",
										"digest": "",
										"tags": "",
										"style": "",
										"subpatcher_template": "",
										"assistshowspatchername": 0,
										"boxes": [
											{
												"box": {
													"id": "obj-1",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														20,
														30,
														400,
														22.0
													],
													"text": "A pressed key asks the server for its note, at Max's own sampling rate."
												}
											},
											{
												"box": {
													"id": "obj-2",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														440,
														30,
														400,
														22.0
													],
													"text": "The file is whole when its name arrives here. A file for a key that was pressed before is passed over."
												}
											},
											{
												"box": {
													"id": "obj-3",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														20,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-4",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														20,
														110,
														69.3,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "unpack 0 0"
												}
											},
											{
												"box": {
													"id": "obj-5",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														20,
														150,
														56.6,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "stripnote"
												}
											},
											{
												"box": {
													"id": "obj-6",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														20,
														190,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t i i b"
												}
											},
											{
												"box": {
													"id": "obj-7",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 4,
													"patching_rect": [
														120,
														230,
														63.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														"",
														""
													],
													"text": "dspstate~"
												}
											},
											{
												"box": {
													"id": "obj-8",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														270,
														82.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "pack 0 44100"
												}
											},
											{
												"box": {
													"id": "obj-9",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														310,
														268.7,
														22.0
													],
													"text": "/gansynth/write_note $1 max-gansynth-5.wav $2",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-10",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														60,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											},
											{
												"box": {
													"id": "obj-11",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														160,
														190,
														40.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "/ 127."
												}
											},
											{
												"box": {
													"id": "obj-12",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														260,
														150,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-13",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														440,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-14",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														440,
														110,
														78.6,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "unpack 0 0 s"
												}
											},
											{
												"box": {
													"id": "obj-15",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														440,
														150,
														41.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "== 60"
												}
											},
											{
												"box": {
													"id": "obj-16",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														190,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 1"
												}
											},
											{
												"box": {
													"id": "obj-17",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														230,
														39.9,
														22.0
													],
													"outlettype": [
														"inactive",
														"inactive"
													],
													"text": "zl reg"
												}
											},
											{
												"box": {
													"id": "obj-18",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														440,
														310,
														161.7,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "buffer~ pdbridge-gansynth-5"
												}
											},
											{
												"box": {
													"id": "obj-19",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 1,
													"patching_rect": [
														440,
														270,
														97.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "prepend replace"
												}
											},
											{
												"box": {
													"id": "obj-20",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														640,
														310,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t b b b"
												}
											},
											{
												"box": {
													"id": "obj-21",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														350,
														33.9,
														22.0
													],
													"text": "start",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-22",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														720,
														390,
														153.0,
														22.0
													],
													"outlettype": [
														"signal",
														"signal"
													],
													"text": "play~ pdbridge-gansynth-5"
												}
											},
											{
												"box": {
													"id": "obj-23",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														660,
														350,
														33.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "float"
												}
											},
											{
												"box": {
													"id": "obj-24",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														580,
														350,
														30.0,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "int"
												}
											},
											{
												"box": {
													"id": "obj-25",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														500,
														390,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-26",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														400,
														390,
														62.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "delay 150"
												}
											},
											{
												"box": {
													"id": "obj-27",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														300,
														390,
														30.0,
														22.0
													],
													"text": "0",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-28",
													"maxclass": "newobj",
													"numinlets": 5,
													"numoutlets": 4,
													"patching_rect": [
														300,
														430,
														114.3,
														22.0
													],
													"outlettype": [
														"signal",
														"signal",
														"message",
														"message"
													],
													"text": "adsr~ 5. 10. 1. 300."
												}
											},
											{
												"box": {
													"id": "obj-29",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														430,
														30.0,
														22.0
													],
													"outlettype": [
														"Signal"
													],
													"text": "*~"
												}
											},
											{
												"box": {
													"id": "obj-30",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														720,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											}
										],
										"lines": [
											{
												"patchline": {
													"source": [
														"obj-3",
														0
													],
													"destination": [
														"obj-4",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														0
													],
													"destination": [
														"obj-5",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														0
													],
													"destination": [
														"obj-6",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														0
													],
													"destination": [
														"obj-8",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-8",
														0
													],
													"destination": [
														"obj-9",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-9",
														0
													],
													"destination": [
														"obj-10",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-5",
														1
													],
													"order": 1
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														2
													],
													"destination": [
														"obj-7",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-7",
														1
													],
													"destination": [
														"obj-8",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														1
													],
													"destination": [
														"obj-11",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-12",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-13",
														0
													],
													"destination": [
														"obj-14",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														0
													],
													"destination": [
														"obj-15",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-15",
														0
													],
													"destination": [
														"obj-16",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-16",
														0
													],
													"destination": [
														"obj-17",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-17",
														0
													],
													"destination": [
														"obj-19",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-19",
														0
													],
													"destination": [
														"obj-18",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														2
													],
													"destination": [
														"obj-17",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														1
													],
													"destination": [
														"obj-15",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-18",
														1
													],
													"destination": [
														"obj-20",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														2
													],
													"destination": [
														"obj-21",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														1
													],
													"destination": [
														"obj-23",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														0
													],
													"destination": [
														"obj-24",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-21",
														0
													],
													"destination": [
														"obj-22",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-22",
														0
													],
													"destination": [
														"obj-29",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-29",
														0
													],
													"destination": [
														"obj-30",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-11",
														0
													],
													"destination": [
														"obj-23",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-24",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-24",
														0
													],
													"destination": [
														"obj-25",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-25",
														0
													],
													"destination": [
														"obj-26",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-26",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-27",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-12",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-23",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-28",
														0
													],
													"destination": [
														"obj-29",
														1
													],
													"order": 0
												}
											}
										],
										"dependency_cache": [],
										"autosave": 0
									},
									"text": "p voice5",
									"outlettype": [
										"",
										""
									]
								}
							},
							{
								"box": {
									"id": "obj-17",
									"maxclass": "newobj",
									"numinlets": 2,
									"numoutlets": 2,
									"patching_rect": [
										745,
										270,
										100,
										22
									],
									"patcher": {
										"fileversion": 1,
										"appversion": {
											"major": 8,
											"minor": 5,
											"revision": 5,
											"architecture": "x64",
											"modernui": 1
										},
										"classnamespace": "box",
										"rect": [
											80,
											100,
											900,
											520
										],
										"bglocked": 0,
										"openinpresentation": 0,
										"default_fontsize": 12.0,
										"default_fontface": 0,
										"default_fontname": "Arial",
										"gridonopen": 1,
										"gridsize": [
											15.0,
											15.0
										],
										"gridsnaponopen": 1,
										"objectsnaponopen": 1,
										"statusbarvisible": 2,
										"toolbarvisible": 1,
										"lefttoolbarpinned": 0,
										"toptoolbarpinned": 0,
										"righttoolbarpinned": 0,
										"bottomtoolbarpinned": 0,
										"toolbars_unpinned_last_save": 0,
										"tallnewobj": 0,
										"boxanimatetime": 200,
										"enablehscroll": 1,
										"enablevscroll": 1,
										"devicewidth": 0.0,
										"description": "",
										"digest": "",
										"tags": "",
										"style": "",
										"subpatcher_template": "",
										"assistshowspatchername": 0,
										"boxes": [
											{
												"box": {
													"id": "obj-1",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														20,
														30,
														400,
														22.0
													],
													"text": "A pressed key asks the server for its note, at Max's own sampling rate."
												}
											},
											{
												"box": {
													"id": "obj-2",
													"maxclass": "comment",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														440,
														30,
														400,
														22.0
													],
													"text": "The file is whole when its name arrives here. A file for a key that was pressed before is passed over."
												}
											},
											{
												"box": {
													"id": "obj-3",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														20,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-4",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														20,
														110,
														69.3,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "unpack 0 0"
												}
											},
											{
												"box": {
													"id": "obj-5",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														20,
														150,
														56.6,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "stripnote"
												}
											},
											{
												"box": {
													"id": "obj-6",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														20,
														190,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t i i b"
												}
											},
											{
												"box": {
													"id": "obj-7",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 4,
													"patching_rect": [
														120,
														230,
														63.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														"",
														""
													],
													"text": "dspstate~"
												}
											},
											{
												"box": {
													"id": "obj-8",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														270,
														82.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "pack 0 44100"
												}
											},
											{
												"box": {
													"id": "obj-9",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														20,
														310,
														268.7,
														22.0
													],
													"text": "/gansynth/write_note $1 max-gansynth-6.wav $2",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-10",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														60,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											},
											{
												"box": {
													"id": "obj-11",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														160,
														190,
														40.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "/ 127."
												}
											},
											{
												"box": {
													"id": "obj-12",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														260,
														150,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-13",
													"maxclass": "inlet",
													"numinlets": 0,
													"numoutlets": 1,
													"patching_rect": [
														440,
														70,
														30.0,
														30.0
													],
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-14",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														440,
														110,
														78.6,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "unpack 0 0 s"
												}
											},
											{
												"box": {
													"id": "obj-15",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														440,
														150,
														41.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "== 60"
												}
											},
											{
												"box": {
													"id": "obj-16",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														190,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 1"
												}
											},
											{
												"box": {
													"id": "obj-17",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														440,
														230,
														39.9,
														22.0
													],
													"outlettype": [
														"inactive",
														"inactive"
													],
													"text": "zl reg"
												}
											},
											{
												"box": {
													"id": "obj-18",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														440,
														310,
														161.7,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "buffer~ pdbridge-gansynth-6"
												}
											},
											{
												"box": {
													"id": "obj-19",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 1,
													"patching_rect": [
														440,
														270,
														97.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "prepend replace"
												}
											},
											{
												"box": {
													"id": "obj-20",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 3,
													"patching_rect": [
														640,
														310,
														45.0,
														22.0
													],
													"outlettype": [
														"",
														"",
														""
													],
													"text": "t b b b"
												}
											},
											{
												"box": {
													"id": "obj-21",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														350,
														33.9,
														22.0
													],
													"text": "start",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-22",
													"maxclass": "newobj",
													"numinlets": 1,
													"numoutlets": 2,
													"patching_rect": [
														720,
														390,
														153.0,
														22.0
													],
													"outlettype": [
														"signal",
														"signal"
													],
													"text": "play~ pdbridge-gansynth-6"
												}
											},
											{
												"box": {
													"id": "obj-23",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														660,
														350,
														33.3,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "float"
												}
											},
											{
												"box": {
													"id": "obj-24",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														580,
														350,
														30.0,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "int"
												}
											},
											{
												"box": {
													"id": "obj-25",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 2,
													"patching_rect": [
														500,
														390,
														52.0,
														22.0
													],
													"outlettype": [
														"",
														""
													],
													"text": "select 0"
												}
											},
											{
												"box": {
													"id": "obj-26",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														400,
														390,
														62.6,
														22.0
													],
													"outlettype": [
														""
													],
													"text": "delay 150"
												}
											},
											{
												"box": {
													"id": "obj-27",
													"maxclass": "message",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														300,
														390,
														30.0,
														22.0
													],
													"text": "0",
													"outlettype": [
														""
													]
												}
											},
											{
												"box": {
													"id": "obj-28",
													"maxclass": "newobj",
													"numinlets": 5,
													"numoutlets": 4,
													"patching_rect": [
														300,
														430,
														114.3,
														22.0
													],
													"outlettype": [
														"signal",
														"signal",
														"message",
														"message"
													],
													"text": "adsr~ 5. 10. 1. 300."
												}
											},
											{
												"box": {
													"id": "obj-29",
													"maxclass": "newobj",
													"numinlets": 2,
													"numoutlets": 1,
													"patching_rect": [
														720,
														430,
														30.0,
														22.0
													],
													"outlettype": [
														"Signal"
													],
													"text": "*~"
												}
											},
											{
												"box": {
													"id": "obj-30",
													"maxclass": "outlet",
													"numinlets": 1,
													"numoutlets": 0,
													"patching_rect": [
														720,
														470,
														30.0,
														30.0
													],
													"outlettype": []
												}
											}
										],
										"lines": [
											{
												"patchline": {
													"source": [
														"obj-3",
														0
													],
													"destination": [
														"obj-4",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														0
													],
													"destination": [
														"obj-5",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														0
													],
													"destination": [
														"obj-6",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														0
													],
													"destination": [
														"obj-8",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-8",
														0
													],
													"destination": [
														"obj-9",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-9",
														0
													],
													"destination": [
														"obj-10",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-5",
														1
													],
													"order": 1
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														2
													],
													"destination": [
														"obj-7",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-7",
														1
													],
													"destination": [
														"obj-8",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-5",
														1
													],
													"destination": [
														"obj-11",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-12",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-13",
														0
													],
													"destination": [
														"obj-14",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														0
													],
													"destination": [
														"obj-15",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-15",
														0
													],
													"destination": [
														"obj-16",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-16",
														0
													],
													"destination": [
														"obj-17",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-17",
														0
													],
													"destination": [
														"obj-19",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-19",
														0
													],
													"destination": [
														"obj-18",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-14",
														2
													],
													"destination": [
														"obj-17",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-6",
														1
													],
													"destination": [
														"obj-15",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-18",
														1
													],
													"destination": [
														"obj-20",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														2
													],
													"destination": [
														"obj-21",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														1
													],
													"destination": [
														"obj-23",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-20",
														0
													],
													"destination": [
														"obj-24",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-21",
														0
													],
													"destination": [
														"obj-22",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-22",
														0
													],
													"destination": [
														"obj-29",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-29",
														0
													],
													"destination": [
														"obj-30",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-11",
														0
													],
													"destination": [
														"obj-23",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-4",
														1
													],
													"destination": [
														"obj-24",
														1
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-24",
														0
													],
													"destination": [
														"obj-25",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-25",
														0
													],
													"destination": [
														"obj-26",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-26",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-27",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-12",
														0
													],
													"destination": [
														"obj-27",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-23",
														0
													],
													"destination": [
														"obj-28",
														0
													],
													"order": 0
												}
											},
											{
												"patchline": {
													"source": [
														"obj-28",
														0
													],
													"destination": [
														"obj-29",
														1
													],
													"order": 0
												}
											}
										],
										"dependency_cache": [],
										"autosave": 0
									},
									"text": "p voice6",
									"outlettype": [
										"",
										""
									]
								}
							}
						],
						"lines": [
							{
								"patchline": {
									"source": [
										"obj-2",
										0
									],
									"destination": [
										"obj-5",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-3",
										0
									],
									"destination": [
										"obj-5",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-5",
										0
									],
									"destination": [
										"obj-6",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-5",
										1
									],
									"destination": [
										"obj-6",
										1
									],
									"order": 1
								}
							},
							{
								"patchline": {
									"source": [
										"obj-5",
										2
									],
									"destination": [
										"obj-6",
										2
									],
									"order": 2
								}
							},
							{
								"patchline": {
									"source": [
										"obj-6",
										0
									],
									"destination": [
										"obj-7",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-4",
										0
									],
									"destination": [
										"obj-8",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										0
									],
									"destination": [
										"obj-12",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										0
									],
									"destination": [
										"obj-12",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-12",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-12",
										1
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										1
									],
									"destination": [
										"obj-13",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										1
									],
									"destination": [
										"obj-13",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-13",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-13",
										1
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										2
									],
									"destination": [
										"obj-14",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										2
									],
									"destination": [
										"obj-14",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-14",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-14",
										1
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										3
									],
									"destination": [
										"obj-15",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										3
									],
									"destination": [
										"obj-15",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-15",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-15",
										1
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										4
									],
									"destination": [
										"obj-16",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										4
									],
									"destination": [
										"obj-16",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-16",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-16",
										1
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-7",
										5
									],
									"destination": [
										"obj-17",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-8",
										5
									],
									"destination": [
										"obj-17",
										1
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-17",
										0
									],
									"destination": [
										"obj-10",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-17",
										1
									],
									"destination": [
										"obj-9",
										0
									],
									"order": 0
								}
							},
							{
								"patchline": {
									"source": [
										"obj-9",
										0
									],
									"destination": [
										"obj-11",
										0
									],
									"order": 0
								}
							}
						],
						"dependency_cache": [],
						"autosave": 0
					},
					"text": "p voices",
					"outlettype": [
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-4",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						30,
						20,
						560,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						15.0,
						560.0,
						22.0
					],
					"text": "GANSynth: four timbres under a pad, and the keys play what lies between them"
				}
			},
			{
				"box": {
					"id": "obj-5",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						30,
						45,
						240,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						45.0,
						240.0,
						22.0
					],
					"text": "1. In a terminal: pdbridge serve"
				}
			},
			{
				"box": {
					"id": "obj-6",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						280,
						45,
						240,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						69.0,
						240.0,
						22.0
					],
					"text": "2. Switch the sound on (lower right)"
				}
			},
			{
				"box": {
					"id": "obj-7",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						530,
						45,
						240,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						93.0,
						240.0,
						22.0
					],
					"text": "3. Play: MIDI, or click the keys"
				}
			},
			{
				"box": {
					"id": "obj-8",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						560,
						80,
						300,
						22.0
					],
					"text": "what is sent when the server is there"
				}
			},
			{
				"box": {
					"id": "obj-9",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						560,
						105,
						470,
						66
					],
					"text": "/gansynth/randomize_z max-z1, /gansynth/corner 1 max-z1, /gansynth/randomize_z max-z2, /gansynth/corner 2 max-z2, /gansynth/randomize_z max-z3, /gansynth/corner 3 max-z3, /gansynth/randomize_z max-z4, /gansynth/corner 4 max-z4",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-10",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						560,
						195,
						300,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						300.0,
						75.0,
						230.0,
						22.0
					],
					"text": "model (type its name, press return)"
				}
			},
			{
				"box": {
					"id": "obj-11",
					"maxclass": "textedit",
					"numinlets": 1,
					"numoutlets": 4,
					"patching_rect": [
						560,
						220,
						160,
						22
					],
					"presentation": 1,
					"presentation_rect": [
						530.0,
						73.0,
						130.0,
						24.0
					],
					"text": "small_hours",
					"outlettype": [
						"",
						"",
						"",
						""
					],
					"keymode": 1,
					"outputmode": 1
				}
			},
			{
				"box": {
					"id": "obj-12",
					"maxclass": "newobj",
					"numinlets": 2,
					"numoutlets": 2,
					"patching_rect": [
						740,
						220,
						60.6,
						22.0
					],
					"outlettype": [
						"",
						""
					],
					"text": "route text"
				}
			},
			{
				"box": {
					"id": "obj-13",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"patching_rect": [
						830,
						220,
						136.0,
						22.0
					],
					"outlettype": [
						""
					],
					"text": "prepend /gansynth/load"
				}
			},
			{
				"box": {
					"id": "obj-14",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						560,
						330,
						60,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						300.0,
						45.0,
						50.0,
						22.0
					],
					"text": "server"
				}
			},
			{
				"box": {
					"id": "obj-15",
					"maxclass": "led",
					"numinlets": 1,
					"numoutlets": 1,
					"patching_rect": [
						625,
						330,
						22,
						24.0
					],
					"presentation": 1,
					"presentation_rect": [
						350.0,
						45.0,
						22.0,
						22.0
					],
					"outlettype": [
						"int"
					]
				}
			},
			{
				"box": {
					"id": "obj-16",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						700,
						330,
						60,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						400.0,
						45.0,
						50.0,
						22.0
					],
					"text": "works"
				}
			},
			{
				"box": {
					"id": "obj-17",
					"maxclass": "led",
					"numinlets": 1,
					"numoutlets": 1,
					"patching_rect": [
						765,
						330,
						22,
						24.0
					],
					"presentation": 1,
					"presentation_rect": [
						450.0,
						45.0,
						22.0,
						22.0
					],
					"outlettype": [
						"int"
					]
				}
			},
			{
				"box": {
					"id": "obj-18",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						800,
						390,
						150,
						22.0
					],
					"text": "what is loaded"
				}
			},
			{
				"box": {
					"id": "obj-19",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"patching_rect": [
						560,
						390,
						74.0,
						22.0
					],
					"outlettype": [
						""
					],
					"text": "prepend set"
				}
			},
			{
				"box": {
					"id": "obj-20",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						560,
						420,
						400,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						300.0,
						105.0,
						360.0,
						22.0
					],
					"text": "",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-21",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						800,
						470,
						150,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						370.0,
						120.0,
						22.0
					],
					"text": "what failed last"
				}
			},
			{
				"box": {
					"id": "obj-22",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"patching_rect": [
						560,
						470,
						74.0,
						22.0
					],
					"outlettype": [
						""
					],
					"text": "prepend set"
				}
			},
			{
				"box": {
					"id": "obj-23",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						560,
						500,
						400,
						22.0
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						393.0,
						640.0,
						22.0
					],
					"text": "",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-24",
					"maxclass": "pictslider",
					"numinlets": 2,
					"numoutlets": 2,
					"patching_rect": [
						30,
						235,
						150,
						130
					],
					"presentation": 1,
					"presentation_rect": [
						60.0,
						160.0,
						180.0,
						160.0
					],
					"outlettype": [
						"int",
						"int"
					],
					"leftvalue": 0,
					"rightvalue": 1000,
					"topvalue": 0,
					"bottomvalue": 1000
				}
			},
			{
				"box": {
					"id": "obj-25",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						200,
						260,
						54.0,
						22.0
					],
					"text": "500 500",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-26",
					"maxclass": "comment",
					"numinlets": 1,
					"numoutlets": 0,
					"patching_rect": [
						30,
						80,
						300,
						22.0
					],
					"text": "what is at the corners of the pad"
				}
			},
			{
				"box": {
					"id": "obj-27",
					"maxclass": "textbutton",
					"numinlets": 1,
					"numoutlets": 3,
					"patching_rect": [
						30,
						105,
						110,
						22
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						132.0,
						110.0,
						22.0
					],
					"text": "new top left",
					"outlettype": [
						"",
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-28",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						160,
						105,
						326.1,
						22.0
					],
					"text": "/gansynth/randomize_z max-z1, /gansynth/corner 1 max-z1",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-29",
					"maxclass": "textbutton",
					"numinlets": 1,
					"numoutlets": 3,
					"patching_rect": [
						30,
						135,
						110,
						22
					],
					"presentation": 1,
					"presentation_rect": [
						160.0,
						132.0,
						110.0,
						22.0
					],
					"text": "new top right",
					"outlettype": [
						"",
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-30",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						160,
						135,
						326.1,
						22.0
					],
					"text": "/gansynth/randomize_z max-z2, /gansynth/corner 2 max-z2",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-31",
					"maxclass": "textbutton",
					"numinlets": 1,
					"numoutlets": 3,
					"patching_rect": [
						30,
						165,
						110,
						22
					],
					"presentation": 1,
					"presentation_rect": [
						20.0,
						326.0,
						110.0,
						22.0
					],
					"text": "new bottom left",
					"outlettype": [
						"",
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-32",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						160,
						165,
						326.1,
						22.0
					],
					"text": "/gansynth/randomize_z max-z3, /gansynth/corner 3 max-z3",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-33",
					"maxclass": "textbutton",
					"numinlets": 1,
					"numoutlets": 3,
					"patching_rect": [
						30,
						195,
						110,
						22
					],
					"presentation": 1,
					"presentation_rect": [
						160.0,
						326.0,
						110.0,
						22.0
					],
					"text": "new bottom right",
					"outlettype": [
						"",
						"",
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-34",
					"maxclass": "message",
					"numinlets": 2,
					"numoutlets": 1,
					"patching_rect": [
						160,
						195,
						326.1,
						22.0
					],
					"text": "/gansynth/randomize_z max-z4, /gansynth/corner 4 max-z4",
					"outlettype": [
						""
					]
				}
			},
			{
				"box": {
					"id": "obj-35",
					"maxclass": "kslider",
					"numinlets": 2,
					"numoutlets": 2,
					"patching_rect": [
						30,
						425,
						336.0,
						53.0
					],
					"presentation": 1,
					"presentation_rect": [
						300.0,
						160.0,
						336.0,
						53.0
					],
					"outlettype": [
						"int",
						"int"
					]
				}
			},
			{
				"box": {
					"id": "obj-36",
					"maxclass": "newobj",
					"numinlets": 3,
					"numoutlets": 2,
					"patching_rect": [
						30,
						500,
						116.7,
						22.0
					],
					"outlettype": [
						"",
						""
					],
					"text": "makenote 100 1500"
				}
			},
			{
				"box": {
					"id": "obj-37",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 3,
					"patching_rect": [
						200,
						500,
						45.0,
						22.0
					],
					"outlettype": [
						"",
						"",
						""
					],
					"text": "notein"
				}
			},
			{
				"box": {
					"id": "obj-38",
					"maxclass": "live.gain~",
					"numinlets": 2,
					"numoutlets": 5,
					"patching_rect": [
						60,
						590,
						60,
						90
					],
					"presentation": 1,
					"presentation_rect": [
						480.0,
						235.0,
						60.0,
						120.0
					],
					"outlettype": [
						"signal",
						"signal",
						"int/float",
						"int/float",
						"float/list"
					]
				}
			},
			{
				"box": {
					"id": "obj-39",
					"maxclass": "newobj",
					"numinlets": 1,
					"numoutlets": 1,
					"patching_rect": [
						220,
						590,
						79.3,
						22.0
					],
					"outlettype": [
						""
					],
					"text": "loadmess -6."
				}
			},
			{
				"box": {
					"id": "obj-40",
					"maxclass": "ezdac~",
					"numinlets": 2,
					"numoutlets": 0,
					"patching_rect": [
						160,
						635,
						45.0,
						45.0
					],
					"presentation": 1,
					"presentation_rect": [
						580.0,
						265.0,
						50.0,
						50.0
					],
					"outlettype": []
				}
			}
		],
		"lines": [
			{
				"patchline": {
					"source": [
						"obj-1",
						0
					],
					"destination": [
						"obj-9",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-9",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-11",
						0
					],
					"destination": [
						"obj-12",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-12",
						0
					],
					"destination": [
						"obj-13",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-13",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-19",
						0
					],
					"destination": [
						"obj-20",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-22",
						0
					],
					"destination": [
						"obj-23",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						1
					],
					"destination": [
						"obj-15",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						2
					],
					"destination": [
						"obj-22",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						3
					],
					"destination": [
						"obj-3",
						2
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						4
					],
					"destination": [
						"obj-17",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						5
					],
					"destination": [
						"obj-19",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						6
					],
					"destination": [
						"obj-2",
						2
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-24",
						0
					],
					"destination": [
						"obj-2",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-24",
						1
					],
					"destination": [
						"obj-2",
						1
					],
					"order": 1
				}
			},
			{
				"patchline": {
					"source": [
						"obj-2",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-2",
						1
					],
					"destination": [
						"obj-24",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-1",
						0
					],
					"destination": [
						"obj-25",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-25",
						0
					],
					"destination": [
						"obj-24",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-27",
						0
					],
					"destination": [
						"obj-28",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-28",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-29",
						0
					],
					"destination": [
						"obj-30",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-30",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-31",
						0
					],
					"destination": [
						"obj-32",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-32",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-33",
						0
					],
					"destination": [
						"obj-34",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-34",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-35",
						0
					],
					"destination": [
						"obj-36",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-35",
						1
					],
					"destination": [
						"obj-36",
						1
					],
					"order": 1
				}
			},
			{
				"patchline": {
					"source": [
						"obj-36",
						0
					],
					"destination": [
						"obj-3",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-36",
						1
					],
					"destination": [
						"obj-3",
						1
					],
					"order": 1
				}
			},
			{
				"patchline": {
					"source": [
						"obj-37",
						0
					],
					"destination": [
						"obj-3",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-37",
						1
					],
					"destination": [
						"obj-3",
						1
					],
					"order": 1
				}
			},
			{
				"patchline": {
					"source": [
						"obj-3",
						0
					],
					"destination": [
						"obj-1",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-39",
						0
					],
					"destination": [
						"obj-38",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-3",
						1
					],
					"destination": [
						"obj-38",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-38",
						0
					],
					"destination": [
						"obj-40",
						0
					],
					"order": 0
				}
			},
			{
				"patchline": {
					"source": [
						"obj-3",
						1
					],
					"destination": [
						"obj-38",
						1
					],
					"order": 1
				}
			},
			{
				"patchline": {
					"source": [
						"obj-38",
						1
					],
					"destination": [
						"obj-40",
						1
					],
					"order": 1
				}
			}
		],
		"dependency_cache": [],
		"autosave": 0
	}
}
